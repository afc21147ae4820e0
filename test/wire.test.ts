import { describe, expect, it } from 'vitest'
import { OutputParser, type FrameEvent } from '../src/engine/local/output-parser.js'
import { Utf8Decoder } from '../src/engine/local/utf8.js'

const NONCE = '0123456789abcdef0123456789abcdef'
const frame = (kind: string, run: number, payload = '') =>
  `\x1e${NONCE}${kind}${run}:${Buffer.byteLength(payload)}\n${payload}`

/** What the parser makes of `text` when it comes in pieces of `size` bytes. */
function parse(text: string, size: number): string[] {
  const events: string[] = []
  let plain = ''
  const flush = () => {
    if (plain !== '') events.push(plain)
    plain = ''
  }
  const parser = new OutputParser(NONCE, 0, (event: FrameEvent) => {
    if (event.type === 'bytes') {
      const piece = `${event.run}`
      plain = plain.startsWith(`${piece} `)
        ? plain + String(event.bytes)
        : (flush(), `${piece} ${String(event.bytes)}`)
      return
    }
    flush()
    events.push(
      event.type === 'part' ? `part ${event.run} ${event.name} ${String(event.part)}` : event.type,
    )
  })
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) parser.write(bytes.subarray(at, at + size))
  flush()
  return events
}

describe('the parser of output pipes', () => {
  const text = [
    'early',
    frame('S', 1),
    'one\x1e\x1e two ',
    frame('T', 7, 'from seven'),
    'three',
    frame('D', 1, 'name\n{}'),
    frame('E', 1),
    'late',
    frame('X', 0),
  ].join('')

  it.each([1, 2, 3, 7, 40, 1000])('gives the same events for pieces of %i bytes', (size) => {
    expect(parse(text, size)).toEqual([
      '0 early',
      'start',
      '1 one\x1e\x1e two ',
      '7 from seven',
      '1 three',
      'part 1 name {}',
      'end',
      '1 late',
      'drained',
    ])
  })

  it('takes frames with another nonce, unknown kinds and absurd headers for text', () => {
    for (const bad of [
      `\x1e${'f'.repeat(32)}E1:0\n`,
      `\x1e${NONCE}Q1:0\n`,
      `\x1e${NONCE}E1:99999\n`,
      `\x1e${NONCE}E1\n`,
      `\x1e${NONCE}${'9'.repeat(200)}\n`,
    ]) {
      expect(parse(`${bad}after`, 1000)).toEqual([`0 ${bad}after`])
      expect(parse(`${bad}after`, 5)).toEqual([`0 ${bad}after`])
    }
  })
})

describe('decoding UTF-8', () => {
  const bytes = Buffer.from([
    ...Buffer.from('a€😀é'),
    0xff,
    0xc3,
    0x28,
    ...[0xed, 0xa0, 0x80],
    ...[0xf0, 0x9f, 0x98],
  ])
  const expected = 'a€😀é\\xff\\xc3(\\xed\\xa0\\x80\\xf0\\x9f\\x98'

  it.each([1, 2, 3, 5, 100])('escapes bad bytes, in pieces of %i bytes', (size) => {
    const decoder = new Utf8Decoder()
    let text = ''
    for (let at = 0; at < bytes.length; at += size)
      text += decoder.write(bytes.subarray(at, at + size))
    expect(text + decoder.end()).toBe(expected)
  })
})
