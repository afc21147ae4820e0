import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  InvalidOptionError,
  LocalEngine,
  PythonInterpreterToolSet,
  TooManySessionsError,
} from '../src/index.js'
import { Recent } from '../src/toolset/recent.js'
import { eventually, isAlive } from './helpers/processes.js'
import { tell, waitFor } from './helpers/python-code.js'
import { makeToolset, temporaryFolder } from './helpers/toolset.js'

const IDLE_MS = 300

async function list(tools: PythonInterpreterToolSet, client_id?: string) {
  const options = { operation: 'list' as const, ...(client_id === undefined ? {} : { client_id }) }
  const listed = await tools.manageInterpreters(options)
  return listed.success ? (listed.interpreters ?? []) : []
}

async function pidOf(tools: PythonInterpreterToolSet, client_id: string): Promise<number> {
  return (await list(tools, client_id))[0]?.pid ?? 0
}

function gone(tools: PythonInterpreterToolSet): Promise<void> {
  return eventually('all interpreters are ended', async () => (await list(tools)).length === 0)
}

describe('sessionIdleMs', () => {
  it('ends an idle session with its process, and tells its client once when it returns', async () => {
    const tools = await makeToolset({ sessionIdleMs: IDLE_MS, checkpoint: 'always' })
    const { interpreter_id } = await tools.runPythonCode('x = 1')
    const pid = await pidOf(tools, 'default')
    await gone(tools)
    await eventually('its process is gone', async () => !(await isAlive(pid)))

    const back = await tools.runPythonCode('"x" in globals()')
    expect(back).toMatchObject({
      success: true,
      stdout: 'False\n',
      state: 'lost',
      interpreter_restarted: true,
      restart_reason: 'The Python process was ended because the session had been idle for 300 ms.',
      execution_count: 1,
    })
    expect(back.interpreter_id).not.toBe(interpreter_id)
    expect(back.notices).toEqual([
      'Before this run, the Python process was ended because the session had been idle for 300 ms. ' +
        'A fresh one has taken over: all variables and imports of earlier runs are lost.',
    ])
    expect(await tools.runPythonCode('1')).toMatchObject({ state: 'kept' })
  })

  it('counts from the end of the last run, and list says when it will be', async () => {
    const tools = await makeToolset({ sessionIdleMs: 60_000 })
    const before = Date.now()
    await tools.runPythonCode('import time; time.sleep(0.2)')
    const [session] = await list(tools)
    const expiresAt = new Date(session?.expires_at ?? 0).getTime()
    expect(expiresAt).toBeGreaterThanOrEqual(before + 60_200 - 1)
    expect(expiresAt).toBeLessThanOrEqual(Date.now() + 60_000)
    const never = await makeToolset()
    await never.runPythonCode('1')
    expect((await list(never))[0]).not.toHaveProperty('expires_at')
  })

  it('ends no session in which a run executes or waits, or a detached run goes on', async () => {
    const tools = await makeToolset({ sessionIdleMs: IDLE_MS })
    const goOn = join(await temporaryFolder(), 'go-on')
    const detached = await tools.runPythonCode(`x = 1\n${waitFor(goOn)}`, {
      timeout_ms: 100,
      on_timeout: 'detach',
      client_id: 'detached',
    })
    const running = tools.runPythonCode(`x = 1\n${waitFor(goOn)}`, { client_id: 'running' })
    const waiting = tools.runPythonCode('x', { client_id: 'running' })
    // Ended much later than the others would be, so that they have been looked at.
    await tools.runPythonCode('1', { client_id: 'idle' })
    await eventually('the idle one is ended', async () => (await list(tools, 'idle')).length === 0)
    await tools.runPythonCode('1', { client_id: 'idle' })
    await eventually('it is again', async () => (await list(tools, 'idle')).length === 0)

    for (const interpreter of await list(tools)) {
      expect(interpreter).toMatchObject({ status: 'busy' })
      expect(interpreter).not.toHaveProperty('expires_at')
    }
    await writeFile(goOn, '')
    expect(await running).toMatchObject({ success: true, state: 'kept' })
    expect(await waiting).toMatchObject({ stdout: '1\n', state: 'kept' })
    const { execution_id, interpreter_id } = detached
    const waited = await tools.wait({ execution_id, interpreter_id })
    expect(waited).toMatchObject({ running: false, run: { success: true, state: 'kept' } })
    await gone(tools)
  })

  it('says of an interpreter that was named why it is gone, to its client only', async () => {
    const tools = await makeToolset({ sessionIdleMs: IDLE_MS })
    const created = await tools.manageInterpreters({ operation: 'create', client_id: 'ann' })
    const interpreter_id = created.success ? created.interpreter_id : ''
    await gone(tools)
    const run = (client_id: string) => tools.runPythonCode('1', { interpreter_id, client_id })
    await expect(run('ann')).rejects.toThrow(/any more: .* idle for 300 ms/)
    await expect(run('bob')).rejects.toThrow(/There is no interpreter with the id "[^"]+"\. The/)
  })

  it('says that there is no session any more where one is needed', async () => {
    const tools = await makeToolset({ sessionIdleMs: IDLE_MS })
    await tools.runPythonCode('x = 1')
    await gone(tools)
    const answer = await tools.manageInterpreters({ operation: 'variables' })
    expect(answer).toMatchObject({ success: false })
    expect(answer.success ? '' : answer.error).toMatch(/no session any more: .* idle for 300 ms/)
  })

  it('leaves what is to be told to the first result, whatever is asked before', async () => {
    const tools = await makeToolset({ sessionIdleMs: IDLE_MS })
    await tools.runPythonCode('x = 1')
    await gone(tools)
    await tools.setVariables({ y: 2 })
    expect(await tools.runPythonCode('y')).toMatchObject({ stdout: '2\n', state: 'lost' })
  })
})

describe('maxSessions', () => {
  it('refuses one more by an error that says what to do, and makes room by a delete', async () => {
    const tools = await makeToolset({ maxSessions: 2 })
    await tools.runPythonCode('1', { client_id: 'ann' })
    await tools.manageInterpreters({ operation: 'create', client_id: 'ann' })
    const more = () => tools.runPythonCode('1', { client_id: 'bob' })
    await expect(more()).rejects.toThrow(TooManySessionsError)
    await expect(more()).rejects.toThrow(/2 interpreters already.*maxSessions.*delete/)
    const refused = await tools.manageInterpreters({ operation: 'branch', client_id: 'ann' })
    expect(refused).toMatchObject({ success: false })
    expect(await tools.runPythonCode('2', { client_id: 'ann' })).toMatchObject({ success: true })
    await tools.manageInterpreters({ operation: 'delete', client_id: 'ann' })
    expect(await more()).toMatchObject({ success: true, state: 'kept' })
  })

  it('evicts the one that has been idle for longest, whose client is told', async () => {
    const tools = await makeToolset({ maxSessions: 2, whenFull: 'evict' })
    await tools.runPythonCode('x = "ann"', { client_id: 'ann' })
    await tools.runPythonCode('x = "bob"', { client_id: 'bob' })
    await tools.runPythonCode('x', { client_id: 'ann' })
    const pid = await pidOf(tools, 'bob')
    await tools.runPythonCode('x = "cleo"', { client_id: 'cleo' })
    expect((await list(tools)).map(({ client_id }) => client_id)).toEqual(['ann', 'cleo'])
    await eventually('its process is gone', async () => !(await isAlive(pid)))
    const back = await tools.runPythonCode('1', { client_id: 'bob' })
    expect(back).toMatchObject({ state: 'lost', interpreter_restarted: true })
    expect(back.notices?.[0]).toMatch(/to make room for another: there may be 2 \(maxSessions\)/)
    expect((await list(tools)).map(({ client_id }) => client_id)).toEqual(['cleo', 'bob'])
  })

  it('evicts none that is in use', async () => {
    const tools = await makeToolset({ maxSessions: 1, whenFull: 'evict' })
    const folder = await temporaryFolder()
    const [started, goOn] = [join(folder, 'started'), join(folder, 'go-on')]
    const busy = tools.runPythonCode(`${tell(started)}\n${waitFor(goOn)}`, { client_id: 'busy' })
    await eventually('it runs', () => existsSync(started))
    const more = () => tools.runPythonCode('1', { client_id: 'more' })
    await expect(more()).rejects.toThrow(/all of them are in use/)
    await writeFile(goOn, '')
    expect(await busy).toMatchObject({ success: true })
    expect(await more()).toMatchObject({ success: true })
  })

  it('does not evict the interpreter that is branched', async () => {
    const tools = await makeToolset({ maxSessions: 2, whenFull: 'evict' })
    await tools.runPythonCode('x = 1', { client_id: 'ann' })
    await tools.checkpoint({ name: 'one', client_id: 'ann' })
    await tools.runPythonCode('1', { client_id: 'bob' })
    await tools.branch({ client_id: 'ann', checkpoint: 'one' })
    expect((await list(tools)).map(({ client_id }) => client_id)).toEqual(['ann', 'ann'])
  })
})

describe('maxRunsPerSession', () => {
  it('starts afresh after the last run, which says so, as does the next one', async () => {
    const tools = await makeToolset({ maxRunsPerSession: 2, checkpoint: 'always' })
    const first = await tools.runPythonCode('x = 1')
    expect(first).not.toHaveProperty('notices')
    const { pid } = (await list(tools))[0] ?? {}
    const last = await tools.runPythonCode('x')
    expect(last).toMatchObject({ stdout: '1\n', state: 'kept' })
    expect(last.notices).toEqual([
      'This was the last run that the session may have (maxRunsPerSession: 2): its variables are ' +
        'gone now, and the next run starts afresh.',
    ])
    await eventually('it has neither a process nor a checkpoint', async () => {
      const [info] = await list(tools)
      return info?.status === 'dead' && info.checkpoints.length === 0
    })
    expect(await isAlive(pid ?? 0)).toBe(false)
    const next = await tools.runPythonCode('"x" in globals()')
    expect(next).toMatchObject({
      stdout: 'False\n',
      state: 'lost',
      execution_count: 3,
      interpreter_id: first.interpreter_id,
      restart_reason:
        'The Python process was ended after all the runs that it may have (maxRunsPerSession: 2).',
    })
    expect((await tools.runPythonCode('1')).state).toBe('kept')
    expect((await tools.runPythonCode('1')).state).toBe('lost')
  })

  it('keeps the order of runs that wait, and what is set between them', async () => {
    const tools = await makeToolset({ maxRunsPerSession: 1 })
    const runs = ['1', '2', '3'].map((code) => tools.runPythonCode(code))
    const results = await Promise.all(runs)
    expect(results.map(({ stdout, state }) => [stdout, state])).toEqual([
      ['1\n', 'kept'],
      ['2\n', 'lost'],
      ['3\n', 'lost'],
    ])
    await tools.setVariables({ x: 5 })
    expect((await tools.runPythonCode('x')).stdout).toBe('5\n')
  })

  it('begins anew with a restart', async () => {
    const tools = await makeToolset({ maxRunsPerSession: 2 })
    await tools.runPythonCode('1')
    await tools.manageInterpreters({ operation: 'restart' })
    await tools.runPythonCode('x = 1')
    expect((await tools.runPythonCode('x')).stdout).toBe('1\n')
  })
})

describe('the limits of sessions', () => {
  it('leave nothing behind when one is ended while the toolset closes', async () => {
    const engine = new LocalEngine()
    const tools = await makeToolset({ engine, maxSessions: 1, whenFull: 'evict' })
    await tools.runPythonCode('1', { client_id: 'ann' })
    const pid = await pidOf(tools, 'ann')
    const other = tools.runPythonCode('1', { client_id: 'bob' }).catch(() => undefined)
    await tools.close()
    expect(await isAlive(pid)).toBe(false)
    await other
    await engine.close()
  })

  it('must be numbers that make sense', async () => {
    for (const options of [
      { sessionIdleMs: -1 },
      { maxSessions: 1.5 },
      { maxRunsPerSession: NaN },
    ]) {
      await expect(makeToolset(options)).rejects.toThrow(InvalidOptionError)
    }
  })

  it('remember a bounded number of clients: the last ones', () => {
    const recent = new Recent<number>()
    for (let i = 0; i < 10_001; i++) recent.set(`client ${i}`, i)
    expect([recent.get('client 0'), recent.get('client 1')]).toEqual([undefined, 1])
    recent.set('client 1', 2)
    recent.set('one more', 3)
    expect([recent.get('client 1'), recent.get('client 2')]).toEqual([2, undefined])
  })
})
