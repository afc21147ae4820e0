/** Runs the examples and the README's snippets as a user would: against the built package. */
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chatServer, textOf } from './helpers/chat-server.js'

const repository = fileURLToPath(new URL('..', import.meta.url))
const examples = join(repository, 'examples')
const environment = join(repository, '.venv')
/** No colours, no other environment, and scripted models rather than real ones. */
const OWN_ENV = {
  VIRTUAL_ENV: undefined,
  NO_COLOR: undefined,
  FORCE_COLOR: undefined,
  AI_GATEWAY_API_KEY: undefined,
  OPENAI_API_KEY: undefined,
  OPENAI_BASE_URL: undefined,
  MODEL: undefined,
  ANTHROPIC_API_KEY: undefined,
}
const PNG = Buffer.from('89504e470d0a1a0a', 'hex')

beforeAll(() => {
  const built = join(repository, 'dist', 'index.js')
  if (!existsSync(built)) throw new Error(`${built} is missing. \`npm test\` makes it.`)
})

/** Runs a TypeScript file to its end; its working directory is the repository. */
async function run(file: string, env: NodeJS.ProcessEnv = {}) {
  const { exitCode, stdout, stderr } = await execa(process.execPath, ['--import', 'tsx', file], {
    cwd: repository,
    env: { ...OWN_ENV, ...env },
    reject: false,
  })
  return { exitCode, stdout, stderr }
}

/** Runs an example, which has to succeed silently but for its output. */
async function example(name: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const { stdout, ...rest } = await run(join(examples, name), env)
  expect({ ...rest, stdout }).toEqual({ exitCode: 0, stderr: '', stdout })
  return stdout
}

/** Checks that the path that ends `output` is a figure's, and removes that. */
async function takeFigure(output: string): Promise<void> {
  const path = join(repository, output.trimEnd().split(' ').at(-1) ?? '')
  const bytes = await readFile(path)
  expect(bytes.subarray(0, PNG.length)).toEqual(PNG)
  await rm(path)
}

describe('the examples', () => {
  it('script.ts prints what its comments say', async () => {
    const source = await readFile(join(examples, 'script.ts'), 'utf8')
    const output = await example('script.ts')
    expect(output.split('\n')).toEqual([
      'x is 3',
      '3',
      '717897987691852588770249',
      'false ZeroDivisionError',
      'step 0',
      'step 1',
      'step 2',
    ])
    const said = [...source.matchAll(/\) \/\/ (.*)/g)].map(([, comment]) => comment).join(', ')
    for (const line of output.split('\n')) expect(said).toContain(line)
  })

  it('workdir-session.ts summarises and plots the CSV file', async () => {
    const output = await example('workdir-session.ts')
    expect(output).toContain('years and months: (61, 12)')
    expect(output).toContain('index: [ 1997, 1983, 1998 ], data: [ 2.69, 2.61, 1.92 ]')
    await takeFigure(output)
  })

  it('agent.ts shows its model an error, a value and the interpreters', async () => {
    const output = await example('agent.ts')
    expect(output.match(/^> \w+/gm)).toEqual([
      '> run_python_code',
      '> run_python_code',
      '> run_python_code',
      '> manage_interpreters',
    ])
    expect(output).toContain("NameError: name 'is_prime' is not defined")
    expect(output).toContain('result (list)')
    expect(output).toContain('stdout:\n328\n')
    expect(output).toMatch(/"status":"running","client_id":"conversation-1"/)
  })

  it('host-tools.ts looks up, orders and is refused, all in one run', async () => {
    const output = await example('host-tools.ts')
    expect(output.split('\n')).toEqual([
      'stock_of(): Oslo has no product sofa.',
      'order(): Nobody may order more than 20 pieces.',
      '34 pieces in 3 shops',
      '10 look-ups and 3 orders in one run:',
      '  10 x desk for Bergen',
      '  10 x lamp for Tromsø',
      '  10 x chair for Tromsø',
    ])
  })

  it('simulated.ts shows what its scripted model says, and that it is simulated', async () => {
    const output = await example('simulated.ts')
    expect(output).toBe('[0, 1, 4, 9, 16]\nsimulated: true')
  })

  it('any-service.ts asks the service that it is given, and has the code run', async () => {
    const code = 'n = 7919\nprint(n, all(n % d for d in range(2, n)))'
    const server = await chatServer(
      [
        { calls: [{ name: 'run_python_code', arguments: { code } }] },
        ({ body }) => {
          const told = body.messages.at(-1)
          return { text: `I have read: ${told === undefined ? '' : textOf(told)}` }
        },
      ],
      { apiKey: 'key' },
    )
    const env = { OPENAI_BASE_URL: server.baseURL, OPENAI_API_KEY: 'key', MODEL: 'model-1' }
    const output = await example('any-service.ts', { ...env, VIRTUAL_ENV: environment })
    expect(output).toBe(`I have read: stdout:\n7919 True\nran: ${code}`)
    expect(server.requests[0]?.body.model).toBe('model-1')
  })

  it('data-analyst.ts repairs its code, draws, and answers what its code has printed', async () => {
    const output = await example('data-analyst.ts', { OPENROUTER_API_KEY: '', API_KEY: '' })
    expect(output).toContain(`KeyError: "None of ['Year'] are in the columns"`)
    expect(output).toMatch(
      /^=> stdout:\n1997 \(\+2\.69 °C\), 1983 \(\+2\.61 °C\), 1998 \(\+1\.92 °C\)$/m,
    )
    expect(output).toContain('the sea was warmest in 1997 (+2.69 °C), 1983 (+2.61 °C)')
    expect(output).toContain('4 steps, 5 answers of the model')
    await takeFigure(output)
  })

  it('watch.ts prints what a run says as it says it, each with its type', async () => {
    const output = await example('watch.ts')
    const lines = output.split('\n').map((line) => /^ *(\d+\.\d\d) s {2}(\w+) +(.*)$/.exec(line))
    expect(lines.map((line) => line?.slice(2))).toEqual([
      ['stream', '500 waiting times; how sure is their median?'],
      ['execute_result', 'np.float64(2.15)'],
      ['stream', 'resampled 4000 times'],
      ['stream', 'all in memory, nothing was saved'],
      ['execute_result', 'array([1.91, 2.55])'],
      ['display_data', 'image/png'],
      ['error', 'IndexError: list index out of range'],
    ])
    // Its forty pauses are between them.
    expect(Number(lines[2]?.[1]) - Number(lines[1]?.[1])).toBeGreaterThan(1.9)
  })

  it('demo.ts computes, plots, survives a segfault, and says so without colour', async () => {
    const output = await example('demo.ts')
    expect(output).toContain('199 quarters from 1960 to 2009')
    expect(output).toMatch(/^ +1980s +3\.1 +7\.3 +4\.9$/m)
    expect(output).toMatch(/File "<run 4>", line 3 in <module>$/m)
    expect(output).toMatch(/interpreter_crashed +true/)
    expect(output).toMatch(/restart_reason +The Python process was killed by SIGSEGV\.$/m)
    expect(output).toMatch(/interpreter_restarted +true/)
    expect(output).toMatch(/state +restored$/m)
    expect(output).toMatch(/restored_to +3$/m)
    expect(output.match(/from statsmodels\.datasets/g)).toHaveLength(1)
    expect(output).toContain('the same summary as in run 2: yes')
    expect(output).toContain('the same interpreter_id: yes')
    expect(output).not.toContain('\u001b')
    await takeFigure(output)
  })

  it('branch-search.ts scores a model in each branch, and goes on with the best', async () => {
    const output = await example('branch-search.ts')
    const rows = [...output.matchAll(/^ +(\w+ \w+) +(\d+\.\d) % +\d+\.\d\d s +\d+\.\d\d s$/gm)]
    const scores = rows.map(([, , score]) => Number(score))
    expect(rows).toHaveLength(5)
    expect(scores).toEqual([...scores].sort((a, b) => b - a))
    expect(scores[0]).toBeGreaterThan(97)
    expect(output).toContain(`go on with the best: ${rows[0]?.[1]}\n`)
    expect(output).toMatch(/^ +19\d of 200 digits that no model has seen are recognised\./m)
  })

  it('crash-and-go-on.ts has its table after a segfault, and after an undo', async () => {
    const output = await example('crash-and-go-on.ts')
    expect(output).toContain('The Python process was killed by SIGSEGV.')
    expect(output).toContain('File "<run 2>", line 4 in <module>')
    expect(output).toMatch(/state +restored\n +restored_to +1\n +notice +During this run, the /)
    expect(output).toContain('The session is as it was after run 3.')
    const tables = [...output.matchAll(/^ +co2 +rise +year_mean\n.*\n.*$/gm)].map(
      ([table]) => table,
    )
    expect(tables).toHaveLength(2)
    expect(tables[1]).toBe(tables[0])
    expect(tables[0]).toMatch(/2001-12-29 +371\.50 +1\.74 +370\.85$/)
  })
})

describe('the examples of agent frameworks', () => {
  const figures = join(examples, 'data', '.matplotlib_figs')
  const saved = async () => (existsSync(figures) ? readdir(figures) : [])

  it.each([
    'ai-sdk.ts',
    'langchain.ts',
    'openai-agents.ts',
    'mastra.ts',
    'anthropic.ts',
    'json-schema.ts',
  ])('%s has its scripted model use two calls of one session', async (name) => {
    const before = new Set(await saved())
    const output = await example(name)
    const made = (await saved()).filter((figure) => !before.has(figure))
    await Promise.all(made.map((figure) => rm(join(figures, figure))))
    expect(output).toMatch(/^1997 +2\.69\n1983 +2\.61\n1998 +1\.92$/m)
    expect(output).toMatch(/^\[image\/png\]$/m)
    expect(output.trimEnd()).toMatch(/The figure shows all years\.$/)
    expect(made).toHaveLength(1)
  })
})

describe('the documents', () => {
  let folder: string

  // In the repository, so that the package can import itself by name; gone with the tests.
  beforeAll(async () => (folder = await mkdtemp(join(repository, '.snippets-'))))
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('have snippets that are parts of the examples, or compile and run', async () => {
    const sources = await readAll(examples, '.ts')
    const isExample = (snippet: string) => sources.some((source) => source.includes(snippet))
    const readme = await readFile(join(repository, 'README.md'), 'utf8')
    const docs = [readme, ...(await readAll(join(repository, 'docs'), '.md'))]
    const snippets = docs.flatMap(typescriptIn)
    expect(typescriptIn(readme).filter(isExample)).toHaveLength(2)

    const own = snippets.filter((snippet) => !isExample(snippet))
    const files = own.map((_, i) => join(folder, `snippet-${i}.ts`))
    await Promise.all(files.map((file, i) => writeFile(file, own[i] ?? '')))
    await writeFile(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ extends: '../tsconfig.json', include: ['*.ts'] }),
    )
    const compiler = join(repository, 'node_modules', 'typescript', 'bin', 'tsc')
    const [compiled, ...runs] = await Promise.all([
      execa(process.execPath, [compiler, '-p', folder], { reject: false }),
      ...files.map((file) => run(file, { VIRTUAL_ENV: environment })),
    ])
    expect(compiled).toMatchObject({ exitCode: 0, stdout: '' })
    runs.forEach(({ exitCode, stdout, stderr }, i) => {
      expect({ exitCode, stderr }, own[i]).toEqual({ exitCode: 0, stderr: '' })
      for (const line of stdout.split('\n').filter(Boolean)) {
        expect(own[i]).toContain(`// ${line}`)
      }
    })
  })

  it('have links to files that exist', async () => {
    const names = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'examples/README.md']
    const pages = (await readdir(join(repository, 'docs'))).map((name) => join('docs', name))
    for (const page of [...names, ...pages]) {
      const text = await readFile(join(repository, page), 'utf8')
      const links = [...text.matchAll(/\]\(([^)#:]+)(#[^)]*)?\)/g)].map(([, path]) => path ?? '')
      for (const link of links) {
        expect(existsSync(join(repository, page, '..', link)), `${page}: ${link}`).toBe(true)
      }
    }
  })
})

async function readAll(directory: string, ending: string): Promise<string[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith(ending))
  return Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')))
}

/** The contents of the fenced `ts` blocks of a Markdown page. */
function typescriptIn(page: string): string[] {
  return [...page.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code]) => code ?? '')
}
