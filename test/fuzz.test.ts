// Damaged bytes for all that decodes what comes from Python, and the same for Python (test_fuzz.py).
// FUZZ_SEED and FUZZ_COUNT in the environment run others, and more.
import { execFile, execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { tableFromArrays, tableToIPC } from 'apache-arrow'
import { expect, it } from 'vitest'
import { decodeMessage, decodeOutput } from '../src/channel/protocol.js'
import type { JsonValue } from '../src/engine/engine.js'
import { OutputOrder } from '../src/engine/local/output-order.js'
import { OutputParser } from '../src/engine/local/output-parser.js'
import { OutputPipe } from '../src/engine/local/output-pipe.js'
import { Utf8Decoder } from '../src/engine/local/utf8.js'
import { decodeValue } from '../src/values/decode.js'
import { Dice } from './faults/dice.js'
import { temporaryFolder, testPython } from './helpers/toolset.js'

const SEED = Number(process.env['FUZZ_SEED'] ?? 1)
const COUNT = Number(process.env['FUZZ_COUNT'] ?? 300)
const TIMEOUT_MS = 60_000 + COUNT * 100

const NONCE = '0123456789abcdef0123456789abcdef'
/** A header, a payload of four digits, and what is before them: more is never held back. */
const MOST_HELD_BACK = 33 + 64 + 9999

const frame = (kind: string, run: number, payload: Buffer | string = '') =>
  Buffer.concat([
    Buffer.from(`\x1e${NONCE}${kind}${run}:${Buffer.byteLength(payload)}\n`),
    Buffer.from(payload),
  ])

/** Calls `check` with dice of its own so often; what fails names the seed that shows it again. */
async function fuzz(check: (dice: Dice) => void | Promise<void>): Promise<void> {
  for (let seed = SEED; seed < SEED + COUNT; seed += 1) {
    try {
      await check(new Dice(seed))
    } catch (error) {
      throw new Error(`FUZZ_SEED=${seed} FUZZ_COUNT=1 shows it again`, { cause: error })
    }
  }
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
}

function randomBytes(dice: Dice, most: number): Buffer {
  return Buffer.from(Array.from({ length: dice.between(0, most) }, () => dice.between(0, 255)))
}

/** Plain output, with pieces of marks and of characters in it. */
function plain(dice: Dice): Buffer {
  const pieces = [
    () => Buffer.from('text €😀\n'),
    () => randomBytes(dice, 20),
    () => Buffer.from('\x1e'),
    () => Buffer.from(`\x1e${NONCE.slice(0, dice.between(0, 31))}`),
    () => Buffer.from(`\x1e${NONCE}Q1:0\n`),
    () => Buffer.from(`\x1e${NONCE}E1:${'9'.repeat(dice.between(5, 100))}`),
  ]
  return Buffer.concat(Array.from({ length: dice.between(0, 6) }, () => dice.pick(pieces)()))
}

function anyFrame(dice: Dice): Buffer {
  const run = dice.pick([0, 1, 2, 999, 1e15])
  return dice.pick([
    () => frame('S', run),
    () => frame('E', run),
    () => frame('T', run, plain(dice)),
    () => frame('W', run, dice.pick(['1', '2', '7', '', '-1', 'x', '1e999', '9'.repeat(30)])),
    () => frame(dice.pick(['d', 'D']), run, `name-1\n${dice.pick(['{', '{}', '', '[1,'])}`),
    () => frame('X', run),
  ])()
}

function damaged(dice: Dice, whole: Buffer): Buffer {
  let bytes = Buffer.from(whole)
  for (let times = dice.between(0, 4); times > 0; times -= 1) {
    const [at, to] = [dice.between(0, bytes.length), dice.between(0, bytes.length)]
    bytes = dice.pick([
      () => bytes.subarray(0, at),
      () => Buffer.concat([bytes.subarray(0, at), randomBytes(dice, 8), bytes.subarray(at)]),
      () => Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]),
      () => Buffer.concat([bytes, bytes.subarray(Math.min(at, to), Math.max(at, to))]),
      () => {
        const flipped = Buffer.from(bytes)
        if (at < flipped.length) flipped[at] = (flipped[at] ?? 0) ^ (1 << dice.between(0, 7))
        return flipped
      },
    ])()
  }
  return bytes
}

function* cut(dice: Dice, bytes: Buffer): Generator<Buffer> {
  const most = dice.pick([1, 3, 40, 5000, 100_000])
  for (let at = 0; at < bytes.length;) {
    const size = dice.between(1, most)
    yield bytes.subarray(at, at + size)
    at += size
  }
}

/** What a parser says of pieces, with neighbouring bytes of a run joined. */
function parsed(pieces: Iterable<Buffer>): { events: string[]; given: number; said: number } {
  const events: [string, Buffer[]][] = []
  let [given, said] = [0, 0]
  const parser = new OutputParser(NONCE, 0, (event) => {
    const { type } = event
    const what =
      type === 'bytes' || type === 'part' ? `${type} ${event.run}` : JSON.stringify(event)
    const bytes = type === 'bytes' ? [event.bytes] : type === 'part' ? [event.part] : []
    for (const { length } of bytes) said += length
    const last = events.at(-1)
    if (type === 'bytes' && last?.[0] === what) last[1].push(...bytes.map((b) => Buffer.from(b)))
    else events.push([what, bytes.map((b) => Buffer.from(b))])
  })
  for (const piece of pieces) {
    given += piece.length
    parser.write(piece)
  }
  return {
    events: events.map(([what, bytes]) => `${what} ${Buffer.concat(bytes).toString('latin1')}`),
    given,
    said,
  }
}

it('the parser says the same of any bytes, however they are cut', { timeout: TIMEOUT_MS }, () =>
  fuzz((dice) => {
    const many = Array.from({ length: dice.between(1, 12) }, () => [plain(dice), anyFrame(dice)])
    const bytes = damaged(dice, Buffer.concat(many.flat()))
    const whole = parsed([bytes])
    expect(parsed(cut(dice, bytes)).events).toEqual(whole.events)
  }),
)

it('the parser loses nothing of text without frames', { timeout: TIMEOUT_MS }, () =>
  fuzz((dice) => {
    const text = Buffer.concat(Array.from({ length: dice.between(1, 40) }, () => plain(dice)))
    const end = Buffer.from(
      'the end, long enough that no mark can wait for the rest of it'.repeat(3),
    )
    const { events, given, said } = parsed(cut(dice, Buffer.concat([text, end])))
    expect(said).toBe(given)
    expect(events.join()).toBe(`bytes 0 ${Buffer.concat([text, end]).toString('latin1')}`)
  }),
)

it('the parser holds little back, whatever it waits for', { timeout: TIMEOUT_MS }, () =>
  fuzz((dice) => {
    const begun = `\x1e${NONCE}${dice.pick(['T', 'D', 'W', ''])}${dice.pick(['1:9999\n', '1', ''])}`
    const bytes = Buffer.concat([Buffer.from(begun), Buffer.alloc(3 * MOST_HELD_BACK, 'x')])
    const { given, said } = parsed(cut(dice, bytes))
    expect(given - said).toBeLessThanOrEqual(MOST_HELD_BACK)
  }),
)

it('UTF-8 is decoded to the same text, however it is cut', { timeout: TIMEOUT_MS }, () =>
  fuzz((dice) => {
    const bytes = damaged(
      dice,
      Buffer.concat([Buffer.from('aé€😀'.repeat(5)), randomBytes(dice, 30)]),
    )
    const whole = new Utf8Decoder()
    const pieces = new Utf8Decoder()
    let text = ''
    for (const piece of cut(dice, bytes)) text += pieces.write(piece)
    expect(text + pieces.end()).toBe(whole.write(bytes) + whole.end())
  }),
)

it('two pipes with any bytes come to their end', { timeout: TIMEOUT_MS }, async () => {
  const folder = await temporaryFolder()
  let number = 0
  await fuzz(async (dice) => {
    number += 1
    const names = [`out-${number}`, `err-${number}`]
    const paths = names.map((name) => join(folder, name))
    execFileSync('mkfifo', paths)
    let closed = 0
    const ended = new Promise<void>((resolve) => {
      const order = new OutputOrder((_, event) => {
        if (event.type === 'closed') closed += 1
        if (closed === paths.length) resolve()
        return dice.chance(0.05) ? Promise.resolve() : undefined
      })
      const pipes = names.map((name) => {
        return new OutputPipe({ path: folder, device: null }, name, NONCE, 0, order)
      })
      pipes.forEach((pipe) => order.add(pipe))
      for (const path of paths) {
        const descriptor = openSync(path, constants.O_WRONLY)
        const many = Array.from({ length: dice.between(1, 30) }, () => [
          plain(dice),
          anyFrame(dice),
        ])
        // A pipe holds so much without anybody reading.
        writeSync(descriptor, damaged(dice, Buffer.concat(many.flat())).subarray(0, 60_000))
        closeSync(descriptor)
      }
      order.watch()
      pipes.forEach((pipe) => pipe.drain())
    })
    await ended
  })
})

const MESSAGES: readonly object[] = [
  { type: 'ready', protocol: 1, error: null, pipes: null, variables: ['a'], variable_count: 1 },
  {
    type: 'reply',
    run: 1,
    completed: true,
    error: { name: 'E', value: 'v', traceback: 't' },
    value: { a: [1, 'é\ud800', { b: null }] },
    value_type: 'dict',
    notices: ['n'],
    interrupted: false,
    pipes: 2,
  },
  { type: 'input', run: 1, number: 1, prompt: '?', password: false },
  { type: 'call', run: 1, number: 1, tool: 'search', arguments: { query: '?' } },
  { type: 'cancel', run: 1, number: 1 },
  { type: 'checkpoint', id: 'a', trouble: null },
  { type: 'display_data', data: { 'text/plain': 'x', 'a/json': { b: [1] } }, metadata: {} },
  { type: 'update_display_data', display_id: 'd', data: {}, metadata: { a: 1 } },
  { type: 'clear_output', wait: true },
]
/** What a damaged message may be given in some place. */
const ODD_VALUES = [
  'null',
  '-1',
  '1e400',
  '0.5',
  '""',
  '[]',
  '{}',
  '"\\ud800"',
  '[[[[]]]]',
  '{"__proto__":{"polluted":1}}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  '['.repeat(3000) + ']'.repeat(3000),
]

function oddJson(dice: Dice, value: object): Buffer {
  const text = JSON.stringify(value)
  const commas = [...text.matchAll(/:/g)].map(({ index }) => index)
  const at = dice.pick(commas) + 1
  const odd = dice.pick(ODD_VALUES)
  const rest = text.slice(at).replace(/^("[^"]*"|[^,}\]]*)/, '')
  const extra = dice.chance(0.3) ? `{"__proto__":{"polluted":1},${text.slice(1)}` : text
  return Buffer.from(dice.pick([`${text.slice(0, at)}${odd}${rest}`, extra]))
}

it('messages and displays are decoded or refused', { timeout: TIMEOUT_MS }, () =>
  fuzz((dice) => {
    const whole = oddJson(dice, dice.pick(MESSAGES))
    const bytes = dice.chance(0.5) ? whole : damaged(dice, whole)
    const frames = dice.pick([[bytes], [bytes, randomBytes(dice, 9)], [], [Buffer.alloc(0)]])
    for (const decoded of [decodeMessage(frames), decodeOutput(bytes)]) {
      if (decoded === null) continue
      // Whoever has it can go through it, and finds nothing but what is its own.
      JSON.stringify(structuredClone(decoded))
      expect((decoded as { polluted?: number }).polluted).toBeUndefined()
    }
  }),
)

it('values are decoded or refused', { timeout: TIMEOUT_MS }, async () => {
  const table = Buffer.from(
    tableToIPC(tableFromArrays({ a: [1, 2, 3], b: ['x', 'y', 'z'] }), 'stream'),
  )
  const values = [
    { $: 'array', data: [0, 0, 16], dtype: 'float64', shape: [2] },
    { $: 'array', data: [1, 0, 24], dtype: 'datetime64[ns]', shape: [3] },
    {
      $: 'map',
      entries: [
        ['a', { $: 'int', value: '-ff' }],
        [{ $: 'date', value: 5 }, 1],
      ],
    },
    { $: 'set', items: [1, { $: 'float', value: 'NaN' }] },
    {
      $: 'object',
      entries: [
        ['__proto__', { polluted: 1 }],
        ['$', 2],
      ],
    },
    { $: 'bytes', data: [0, 8, 8] },
    { $: 'table', data: [2, 0, table.length] },
    { $: 'vector', data: [2, 0, table.length] },
    [{ a: { $: 'bytes', data: [-1, -8, 9] } }],
  ]
  await fuzz(async (dice) => {
    const frames = [randomBytes(dice, 40), Buffer.alloc(24), damaged(dice, table)]
    const json = dice.chance(0.3)
      ? Buffer.from(JSON.stringify(dice.pick(values)))
      : oddJson(dice, { a: dice.pick(values) })
    let value: JsonValue
    try {
      value = JSON.parse(json.toString()) as JsonValue
    } catch {
      return
    }
    const decoded = await decodeValue(value, frames).catch((error: unknown) => {
      expect(error).toBeInstanceOf(Error)
      return null
    })
    expect((decoded as { polluted?: number } | null)?.polluted).toBeUndefined()
  })
})

it('what Python decodes is decoded or refused', { timeout: TIMEOUT_MS }, async () => {
  const root = join(import.meta.dirname, '..')
  const python = [
    '-m',
    'unittest',
    'discover',
    '-s',
    join(root, 'test/python'),
    '-p',
    'test_fuzz.py',
  ]
  const env = { ...process.env, FUZZ_SEED: String(SEED), FUZZ_COUNT: String(COUNT) }
  const { stderr } = await promisify(execFile)(testPython, python, { cwd: root, env })
  expect(stderr).toMatch(/Ran [1-9]\d* tests/)
  expect(stderr).toContain('\nOK')
})
