import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import {
  mkdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  toModelText,
  type FileChange,
  type PythonInterpreterToolSet,
  type RunResult,
} from '../src/index.js'
import { openDescriptors } from './helpers/descriptors.js'
import { ownTemporaryFolder } from './helpers/leaks.js'
import { eventually } from './helpers/processes.js'
import { tell, waitFor } from './helpers/python-code.js'
import { makeToolset, temporaryFolder } from './helpers/toolset.js'

const LIBRARIES = resolve(import.meta.dirname, '../.venv/libraries')

/** Each file of a result as `change path`, for those of a run that succeeds. */
function changes(result: RunResult): string[] {
  expect(result.error).toBeUndefined()
  return (result.files ?? []).map(({ path, change }) => `${change} ${path}`)
}

async function changesOf(tools: PythonInterpreterToolSet, code: string): Promise<string[]> {
  return changes(await tools.runPythonCode(code))
}

describe('the files of a result', () => {
  it('have path, change, size and MIME type, and are absent where there are none', async () => {
    const tools = await makeToolset()
    await mkdir(join(tools.workdir, 'data'))
    const code = 'with open("data/ä b.CSV", "w") as f: f.write("a,b\\n");'
    const { files } = await tools.runPythonCode(code)
    expect(files).toEqual<FileChange[]>([
      { path: 'data/ä b.CSV', change: 'created', size: 4, mime_type: 'text/csv' },
    ])
    expect(await tools.runPythonCode('1')).not.toHaveProperty('files')
    expect(await tools.runPythonCode('open("data/ä b.CSV").read()')).not.toHaveProperty('files')
  })

  it('are found whoever writes them', async () => {
    const tools = await makeToolset({ env: { PYTHONPATH: LIBRARIES } })
    const { workdir } = tools
    await writeFile(join(workdir, 'appended.txt'), 'a')
    await writeFile(join(workdir, 'from.txt'), 'from')
    const code = `
import pandas, pyarrow, pyarrow.parquet, polars, sqlite3, subprocess, shutil, os, numpy, zipfile
table = {'a': [1, 2]}
pandas.DataFrame(table).to_json('pandas.json')
pyarrow.parquet.write_table(pyarrow.table(table), 'pyarrow.parquet')
polars.DataFrame(table).write_csv('polars.csv')
polars.DataFrame(table).write_parquet('polars.parquet')
with sqlite3.connect('sqlite.db') as db: db.execute('create table t (a)');
db.close()
numpy.save('numpy.npy', [1, 2])
subprocess.run(['sh', '-c', 'echo child > child.txt']);
os.system('printf b >> appended.txt');
shutil.copy('appended.txt', 'copied.txt');
shutil.copy2('appended.txt', 'copied2.txt');
os.rename('from.txt', 'renamed.txt')
os.link('copied.txt', 'linked.txt')
with zipfile.ZipFile('zip.zip', 'w') as z: z.write('child.txt')
`
    const result = await tools.runPythonCode(code)
    expect(changes(result)).toEqual([
      'changed appended.txt',
      'created child.txt',
      'created copied.txt',
      'created copied2.txt',
      'created linked.txt',
      'created numpy.npy',
      'created pandas.json',
      'created polars.csv',
      'created polars.parquet',
      'created pyarrow.parquet',
      'created renamed.txt',
      'created sqlite.db',
      'created zip.zip',
    ])
    expect(result.files?.find(({ path }) => path === 'pyarrow.parquet')).toMatchObject({
      mime_type: 'application/vnd.apache.parquet',
    })
    expect(await changesOf(tools, 'polars.DataFrame(table).write_csv("polars.csv")')).toEqual([
      'changed polars.csv',
    ])
  })

  it('are of the run that wrote them and of no other, in 1,000 runs back to back', async () => {
    const tools = await makeToolset()
    const runs = Array.from({ length: 1000 }, (_, i) =>
      tools.runPythonCode(`open("${i}", "w").close()`),
    )
    for (const [i, run] of runs.entries()) expect(changes(await run)).toEqual([`created ${i}`])
  })

  it('are not those that others wrote just before the run', async () => {
    const tools = await makeToolset()
    await tools.runPythonCode('1')
    for (let i = 0; i < 200; i += 1) {
      await writeFile(join(tools.workdir, `node ${i}`), '')
      await tools.files.write(`toolset ${i}`, '')
      expect(await changesOf(tools, `open("python ${i}", "w").close()`)).toEqual([
        `created python ${i}`,
      ])
    }
  })

  it('are listed once, under the name that they have in the end', async () => {
    const tools = await makeToolset()
    await writeFile(join(tools.workdir, 'old.txt'), 'old')
    await writeFile(join(tools.workdir, 'gone.txt'), 'gone')
    const code = `
import os
for text in ('once', 'twice'):
    with open('new.txt', 'a') as f: f.write(text);
with open('created-and-deleted.txt', 'w') as f: f.write('x');
os.remove('created-and-deleted.txt')
for name in ('old.txt', 'atomic.txt'):
    with open(name + '.tmp', 'w') as f: f.write('new');
    os.replace(name + '.tmp', name)
os.remove('gone.txt')
`
    expect(await changesOf(tools, code)).toEqual([
      'created atomic.txt',
      'created new.txt',
      'changed old.txt',
    ])
    const again = `for name in ('gone.txt', 'new.txt'):\n  with open(name, 'w') as f: f.write('x');`
    expect(await changesOf(tools, again)).toEqual(['created gone.txt', 'changed new.txt'])
  })

  it('are found in folders that are made, moved and deleted', async () => {
    const tools = await makeToolset()
    const outside = await temporaryFolder()
    await mkdir(join(outside, 'moved', 'deep'), { recursive: true })
    await writeFile(join(outside, 'moved', 'deep', 'inside.txt'), '')
    await tools.runPythonCode('import os, shutil')
    const make = 'os.makedirs("a/b/c")\nfor d in ("a", "a/b", "a/b/c"): open(d + "/x", "w").close()'
    expect(await changesOf(tools, make)).toEqual([
      'created a/b/c/x',
      'created a/b/x',
      'created a/x',
    ])
    const move = `os.rename('a', 'z')\nshutil.move(${JSON.stringify(join(outside, 'moved'))}, 'moved');`
    expect(await changesOf(tools, move)).toEqual([
      'created moved/deep/inside.txt',
      'created z/b/c/x',
      'created z/b/x',
      'created z/x',
    ])
    const write =
      'open("z/b/c/y", "w").close()\nwith open("moved/deep/inside.txt", "a") as f: f.write("x");'
    expect(await changesOf(tools, write)).toEqual([
      'changed moved/deep/inside.txt',
      'created z/b/c/y',
    ])
    const replace = 'shutil.rmtree("z")\nos.makedirs("z/b")\nopen("z/b/new", "w").close()'
    expect(await changesOf(tools, replace)).toEqual(['created z/b/new'])
    expect(await changesOf(tools, 'open("z/b/newer", "w").close()')).toEqual(['created z/b/newer'])
    expect(await changesOf(tools, 'shutil.rmtree("z")')).toEqual([])
  })

  it('have those of a run that fails, runs out of time, or kills its process', async () => {
    const tools = await makeToolset({ interruptGraceMs: 100 })
    const write = (name: string) => `open("${name}", "w").close()\n`
    const failing = await tools.runPythonCode(`${write('failed')}1/0`)
    const late = await tools.runPythonCode(
      `${write('late')}import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN);\nwhile True: pass`,
      { timeout_ms: 200 },
    )
    const crashed = await tools.runPythonCode(`${write('crashed')}import os; os._exit(1)`)
    expect(late).toMatchObject({ timed_out: true, interpreter_crashed: true })
    const names = [failing, late, crashed].map(({ files }) => files?.map(({ path }) => path))
    expect(names).toEqual([['failed'], ['late'], ['crashed']])
  })

  it('are those that changed while the run executed, also by another session', async () => {
    const tools = await makeToolset()
    const { workdir } = tools
    const waiting = tools.runPythonCode(`${tell('started')}\n${waitFor('go on')}`)
    await eventually('the run executes', () => existsSync(join(workdir, 'started')))
    const other = await tools.runPythonCode('open("go on", "w").close()', { client_id: 'other' })
    expect(changes(other)).toEqual(['created go on'])
    expect(changes(await waiting)).toEqual(['created go on', 'created started'])
  })

  it('are not those in hidden folders, caches, dependencies, environments and figures', async () => {
    const tools = await makeToolset({ figures: { folder: 'figs' } })
    const code = `
import os, venv
for folder in ('.hidden', 'node_modules/a', '__pycache__', '.outputs'):
    os.makedirs(folder)
    open(folder + '/x', 'w').close()
open('.env', 'w').close()
venv.create('environment', with_pip=False)
import matplotlib.pyplot as plt
plt.plot([1, 2]);
`
    const result = await tools.runPythonCode(code)
    expect(result.fig_storage_path).toMatch(/^figs\//)
    expect(changes(result)).toEqual(['created .env'])
    const more = 'open("environment/x", "w").close()\nopen("figs/x", "w").close()'
    expect(await changesOf(tools, more)).toEqual([])
  })

  it('do not have the private files of an engine whose folder is below the workdir', async () => {
    const workdir = await ownTemporaryFolder()
    const tools = await makeToolset({ workdir })
    await tools.runPythonCode('1')
    expect(tmpdir()).toBe(workdir)
    expect(await changesOf(tools, 'import os\nos.system("true");')).toEqual([])
    expect(await changesOf(tools, 'print("x" * 100000)')).toEqual([])
  })

  it('do not follow symbolic links', async () => {
    const tools = await makeToolset()
    const outside = await temporaryFolder()
    await symlink(outside, join(tools.workdir, 'out'))
    const code = `import os
open('out/x', 'w').close()
os.symlink(${JSON.stringify(join(outside, 'x'))}, 'link')
os.symlink(${JSON.stringify(outside)}, 'out2')
with open('out2/y', 'w') as f: f.write('x');`
    expect(await changesOf(tools, code)).toEqual([])
    await mkdir(join(tools.workdir, 'folder'))
    await symlink('folder', join(tools.workdir, 'in'))
    expect(await changesOf(tools, 'open("in/x", "w").close()')).toEqual(['created folder/x'])
  })

  it('are not confused by a folder and a file of the same name, nor by other kinds of files', async () => {
    const tools = await makeToolset()
    await mkdir(join(tools.workdir, 'same'))
    await writeFile(join(tools.workdir, 'same', 'same'), '')
    await tools.runPythonCode('import os')
    expect(await changesOf(tools, 'os.chmod("same", 0o700)\nos.mkfifo("pipe")')).toEqual([])
  })

  it('of one run are at most 1,000, and a notice has their number', async () => {
    const tools = await makeToolset()
    const result = await tools.runPythonCode('for i in range(3_000): open(f"{i:04}", "w").close()')
    expect(changes(result)).toHaveLength(1000)
    expect(result.files?.at(-1)?.path).toBe('0999')
    expect(result.notices).toEqual([
      '3000 files were created or changed; files lists the first 1000 by path.',
    ])
    expect(await changesOf(tools, 'open("2999", "w").close()')).toEqual(['changed 2999'])
  })

  it('are said not to be complete when files change faster than can be followed', async () => {
    const tools = await makeToolset()
    await tools.runPythonCode('import os')
    const code = `${tell('x')}
while True: os.rename('x', 'y'); os.rename('y', 'x')`
    const result = await tools.runPythonCode(code, { timeout_ms: 1000 })
    expect(result).toMatchObject({ timed_out: true, state: 'kept' })
    expect(result.notices).toEqual([expect.stringContaining('files may lack some')])
    expect(await changesOf(tools, 'open("z", "w").close()')).toEqual(['created z'])
  })

  it('are said once not to be complete where there are too many folders', async () => {
    const tools = await makeToolset()
    const folders = Array.from({ length: 600 }, (_, i) => join(tools.workdir, String(i), 'inner'))
    await Promise.all(folders.map((folder) => mkdir(folder, { recursive: true })))
    const first = await tools.runPythonCode('open("x", "w").close()')
    expect(changes(first)).toEqual(['created x'])
    expect(first.notices).toEqual([expect.stringContaining('too many folders or files')])
    const second = await tools.runPythonCode('open("x", "w").close()')
    expect(changes(second)).toEqual(['changed x'])
    expect(second.notices).toBeUndefined()
  })

  it('are seen again when the workdir has been moved away and made again', async () => {
    const tools = await makeToolset()
    const { workdir } = tools
    await tools.runPythonCode('1')
    await rename(workdir, `${workdir}-moved`)
    onTestFinished(() => rm(`${workdir}-moved`, { recursive: true }))
    expect(await changesOf(tools, '1')).toEqual([])
    await mkdir(workdir)
    expect(await changesOf(tools, `open(${JSON.stringify(`${workdir}/x`)}, "w").close()`)).toEqual([
      'created x',
    ])
  })

  it('are named to a model on one line that is not too long', async () => {
    const tools = await makeToolset()
    const few = await tools.runPythonCode('open("a\\nb", "w").close()\nopen("c", "w").write("x");')
    expect(toModelText(few)).toBe('files: a?b (created, 0 bytes), c (created, 1 bytes)')
    const many = await tools.runPythonCode('for i in range(900): open(f"{i}", "w").close();')
    const text = toModelText(many).split('\n\n').at(-1) ?? ''
    expect(text).toMatch(/^files: 0 \(created, 0 bytes\), .*, \d{3} more$/)
    expect(text.length).toBeLessThan(2050)
  })
})

describe('watching the workdir', () => {
  it('ends with the toolset', async () => {
    await (await makeToolset()).runPythonCode('1') // Node keeps one descriptor
    const watched = () => inotifyWatches()
    const [descriptors, before] = [await openDescriptors(), await watched()]
    const tools = await makeToolset()
    await mkdir(join(tools.workdir, 'a', 'b'), { recursive: true })
    await tools.runPythonCode('1')
    expect(await watched()).toBe(before + 3)
    await tools.runPythonCode('import shutil\nshutil.rmtree("a")')
    await tools.runPythonCode('1')
    expect(await watched()).toBe(before + 1)
    await tools.close()
    expect(await watched()).toBe(before)
    await eventually('no descriptor is left', async () => {
      return (await openDescriptors()).length <= descriptors.length
    })
  })
})

/** How many folders this process watches: see proc_pid_fdinfo(5). */
async function inotifyWatches(): Promise<number> {
  const descriptors = execFileSync('ls', [`/proc/${process.pid}/fd`], { encoding: 'utf8' })
  const counts = descriptors.split('\n').map(async (fd) => {
    const target = await readlink(`/proc/self/fd/${fd}`).catch(() => '')
    if (target !== 'anon_inode:inotify') return 0
    return (await readFile(`/proc/self/fdinfo/${fd}`, 'utf8')).match(/^inotify/gm)?.length ?? 0
  })
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0)
}

describe('toolset.files', () => {
  it('writes what Python reads, and reads what Python writes', async () => {
    const { files, ...tools } = await filesOf()
    await files.write('data/in.txt', 'é\n')
    await files.write('data/in.bin', new Uint8Array([0, 255]))
    const code = `
text, data = open('data/in.txt', encoding='utf8').read(), open('data/in.bin', 'rb').read()
open('out.txt', 'w', encoding='utf8').write(text * 2)
open('out.bin', 'wb').write(data * 2);`
    expect(await tools.run(code)).toMatchObject({ success: true })
    expect(await files.readText('out.txt')).toBe('é\né\n')
    expect([...(await files.read('out.bin'))]).toEqual([0, 255, 0, 255])
    await files.write('out.txt', 'x')
    expect(await files.readText(join(tools.workdir, 'out.txt'))).toBe('x')
    await files.remove('out.txt')
    await expect(files.read('out.txt')).rejects.toMatchObject({ code: 'NO_FILE' })
  })

  it('lists a folder, and what is below it', async () => {
    const { files, workdir } = await filesOf()
    expect(await files.list()).toEqual([])
    await files.write('a/b/c.json', '{}')
    await files.write('z', 'zz')
    await symlink('/', join(workdir, 'link'))
    const time = new Date('2026-01-02T03:04:05.678Z')
    await utimes(join(workdir, 'a/b/c.json'), time, time)
    const c = {
      path: 'a/b/c.json',
      type: 'file',
      size: 2,
      modified_at: '2026-01-02T03:04:05.678Z',
      mime_type: 'application/json',
    }
    expect(await files.list('a/b')).toEqual([c])
    const all = await files.list('.', { recursive: true })
    expect(all.map(({ path, type }) => [path, type])).toEqual([
      ['a', 'folder'],
      ['a/b', 'folder'],
      ['a/b/c.json', 'file'],
      ['link', 'symlink'],
      ['z', 'file'],
    ])
    expect((await files.list()).map(({ path }) => path)).toEqual(['a', 'link', 'z'])
    expect(all[2]).toEqual(c)
  })

  it('refuses to leave the workdir', async () => {
    const { files, workdir } = await filesOf()
    const outside = await temporaryFolder()
    await writeFile(join(outside, 'secret'), 'secret')
    await symlink(outside, join(workdir, 'out'))
    await symlink(join(outside, 'secret'), join(workdir, 'secret'))
    await symlink(join(outside, 'new'), join(workdir, 'dangling'))
    await symlink('out', join(workdir, 'indirect'))
    await mkdir(`${workdir}-beside`)
    const paths = [
      '..',
      '../x',
      'a/../../x',
      '/etc/passwd',
      join(outside, 'secret'),
      `${workdir}-beside/x`,
      'out/secret',
      'out/new/new',
      'indirect/secret',
      'secret',
      'dangling',
    ]
    for (const path of paths) {
      const refused = { code: 'OUTSIDE_WORKDIR', name: 'OutsideWorkdirError' }
      await expect(files.read(path), path).rejects.toMatchObject(refused)
      await expect(files.readText(path), path).rejects.toMatchObject(refused)
      await expect(files.write(path, 'x'), path).rejects.toMatchObject(refused)
      await expect(files.list(path), path).rejects.toMatchObject(refused)
    }
    await expect(files.remove('out/secret')).rejects.toMatchObject({ code: 'OUTSIDE_WORKDIR' })
    await expect(files.remove('../x')).rejects.toMatchObject({ code: 'OUTSIDE_WORKDIR' })
    await files.remove('secret') // the link
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('secret')
    expect(existsSync(join(outside, 'new'))).toBe(false)
    await rm(`${workdir}-beside`, { recursive: true })
  })

  it('follows symbolic links that stay in the workdir', async () => {
    const { files, workdir } = await filesOf()
    await mkdir(join(workdir, 'data'))
    await symlink('data', join(workdir, 'link'))
    await symlink('data/later', join(workdir, 'dangling'))
    await files.write('link/new/x', '1')
    await files.write('dangling', '2')
    expect(await readFile(join(workdir, 'data/new/x'), 'utf8')).toBe('1')
    expect(await readFile(join(workdir, 'data/later'), 'utf8')).toBe('2')
    const entry = await temporaryFolder()
    await symlink(workdir, join(entry, 'workdir'))
    const through = await makeToolset({ workdir: join(entry, 'workdir') })
    expect(await through.files.readText('data/later')).toBe('2')
    expect(await through.files.readText(join(workdir, 'data/later'))).toBe('2')
    expect(await changesOf(through, 'open("data/x", "w").close()')).toEqual(['created data/x'])
  })

  it('does not leave the workdir while Python swaps a folder and a link', async () => {
    const { files, workdir, run } = await filesOf()
    const outside = await temporaryFolder()
    await mkdir(join(workdir, 'a'))
    await files.write('a/x', 'inside')
    await symlink(outside, join(workdir, 'b'))
    await writeFile(join(outside, 'x'), 'secret')
    const swapping = run(`import ctypes, os
libc, exchange, here = ctypes.CDLL(None), 2, -100 # see renameat2(2)
${tell('started')}
while not os.path.exists('done'):
    for _ in range(100): libc.renameat2(here, b'a', here, b'b', exchange);`)
    await eventually('the code runs', () => existsSync(join(workdir, 'started')))
    const answers = new Set<string>()
    const seenBoth = () => answers.has('inside') && answers.has('OUTSIDE_WORKDIR')
    for (let i = 0; i < 500 || !seenBoth(); i += 1) {
      const failure = (error: { code: string }) => error.code
      answers.add(await files.readText('a/x').catch(failure))
      answers.add((await files.write('a/x', 'inside').catch(failure)) ?? 'written')
    }
    await files.write('done', '')
    expect(await swapping).toMatchObject({ success: true })
    expect(answers).not.toContain('secret')
    expect(await readFile(join(outside, 'x'), 'utf8')).toBe('secret')
  })

  it('names the path in its errors, and says what is wrong', async () => {
    const { files, workdir, run } = await filesOf()
    await run('import os\nos.mkfifo("pipe")\nos.mkdir("folder")')
    await symlink('loop', join(workdir, 'loop'))
    await expect(files.read('none.csv')).rejects.toMatchObject({
      name: 'NoFileError',
      code: 'NO_FILE',
      message: expect.stringContaining('"none.csv"') as string,
    })
    await expect(files.list('none')).rejects.toMatchObject({ code: 'NO_FILE' })
    await expect(files.remove('none/x')).rejects.toMatchObject({ code: 'NO_FILE' })
    for (const path of ['folder', 'pipe', 'loop', '.', '']) {
      const failed = {
        code: 'FILE',
        message: expect.stringContaining(JSON.stringify(path)) as string,
      }
      await expect(files.read(path), path).rejects.toMatchObject(failed)
      await expect(files.write(path, 'x'), path).rejects.toMatchObject(failed)
    }
    await expect(files.remove('folder')).rejects.toMatchObject({ code: 'FILE' })
    await expect(files.remove('.')).rejects.toMatchObject({ code: 'FILE' })
    await expect(files.list('pipe')).rejects.toMatchObject({ code: 'FILE' })
    await expect(files.read('a\0b')).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    await expect(files.write('x', 1 as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    expect(existsSync(join(workdir, 'x'))).toBe(false)
    await rename(workdir, `${workdir}-moved`)
    await expect(files.list()).rejects.toMatchObject({ code: 'NO_FILE' })
    await rename(`${workdir}-moved`, workdir)
    await unlink(join(workdir, 'loop'))
  })
})

async function filesOf() {
  const tools = await makeToolset()
  const run = (code: string) => tools.runPythonCode(code)
  return { files: tools.files, workdir: tools.workdir, run }
}
