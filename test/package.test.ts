import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { temporaryFolder, testPython } from './helpers/toolset.js'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..')
const readme = join(root, 'README.md')
const tsx = join(root, 'node_modules/tsx/dist/cli.mjs')

interface Packed {
  filename: string
  files: { path: string }[]
}

async function pack(folder: string): Promise<Packed> {
  // Built already; building again here would pull the files from under other tests.
  const { stdout } = await run(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--pack-destination', folder],
    { cwd: root },
  )
  const parsed = JSON.parse(stdout) as Packed[] | Record<string, Packed>
  const packed = Object.values(parsed)[0]
  if (packed === undefined) throw new Error(`npm pack said ${stdout}`)
  return packed
}

/** The files that package.json exports. */
async function exported(): Promise<string[]> {
  const { exports } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, unknown>
  }
  const paths = JSON.stringify(exports).match(/"\.\/dist\/[^"]+"/g) ?? []
  return paths.map((path) => path.slice(3, -1))
}

it('contains what a user needs and nothing else', async () => {
  const { files } = await pack(await temporaryFolder())
  const paths = files.map(({ path }) => path)
  for (const needed of [
    'package.json',
    'README.md',
    'LICENSE',
    'CHANGELOG.md',
    ...(await exported()),
    'dist/cli.js',
    'python/_python_interpreter_toolset/__main__.py',
    'python/_python_interpreter_toolset/keeper.py',
  ]) {
    expect(paths).toContain(needed)
  }
  const unwanted = paths.filter(
    (path) =>
      !/^(dist\/[^/]+|python\/_python_interpreter_toolset\/(\w+\/)?\w+\.py|docs\/[\w-]+\.(md|png|svg))$/.test(
        path,
      ) &&
      !/^examples\/([\w-]+\.ts|README\.md|data\/[\w-]+\.(md|csv))$/.test(path) &&
      !['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'CONTRIBUTING.md'].includes(path),
  )
  expect(unwanted).toEqual([])
})

it('has what its pages link to', async () => {
  const { files } = await pack(await temporaryFolder())
  const paths = files.map(({ path }) => path)
  for (const page of paths.filter((path) => path.endsWith('.md'))) {
    const text = await readFile(join(root, page), 'utf8')
    for (const [, link = ''] of text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
      expect(paths, `${page}: ${link}`).toContain(join(page, '..', link))
    }
  }
})

it('works when installed in a CommonJS project, as each kind of module and on the command line', async () => {
  const folder = await temporaryFolder()
  const { filename } = await pack(folder)
  const project = join(folder, 'project')
  await mkdir(project)
  await writeFile(join(project, 'package.json'), '{"private": true, "type": "commonjs"}')
  await run('npm', ['install', '--prefer-offline', join(folder, filename)], { cwd: project })
  const main = `
    const tools = new PythonInterpreterToolSet({ python: ${JSON.stringify(testPython)} })
    tools.runPythonCode('6 * 7').then(({ stdout }) => { console.log(stdout); return tools.close() })`
  await writeFile(
    join(project, 'esm.mjs'),
    `import { PythonInterpreterToolSet } from 'python-interpreter-toolset';${main}`,
  )
  await writeFile(
    join(project, 'cjs.cjs'),
    `const { PythonInterpreterToolSet } = require('python-interpreter-toolset');${main}`,
  )
  await writeFile(
    join(project, 'commonjs.ts'),
    `import { PythonInterpreterToolSet } from 'python-interpreter-toolset'\n${main}`,
  )
  await writeFile(join(project, 'code.py'), 'print(6 * 7)')
  const command = join(project, 'node_modules/.bin/python-interpreter-toolset')
  for (const [file, ...args] of [
    [process.execPath, 'esm.mjs'],
    [process.execPath, 'cjs.cjs'],
    [process.execPath, tsx, 'commonjs.ts'],
    [command, 'run', 'code.py', '--python', testPython],
  ]) {
    const { stdout } = await run(file ?? '', args, { cwd: project })
    expect(stdout.trim()).toBe('42')
  }
  // The packages of what is optional are not installed with it.
  await expect(run(command, ['mcp'], { cwd: project })).rejects.toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('npm install @modelcontextprotocol/server\n') as string,
  })
  const [, quickStart = ''] = /^```ts\n([^]*?)^```$/m.exec(await readFile(readme, 'utf8')) ?? []
  await writeFile(join(project, 'script.mts'), quickStart)
  const env = { ...process.env, VIRTUAL_ENV: dirname(dirname(testPython)) }
  const { stdout } = await run(process.execPath, [tsx, 'script.mts'], { cwd: project, env })
  expect(stdout).toMatch(/^x is 3\n/)
})
