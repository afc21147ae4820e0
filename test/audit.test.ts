import { createHash } from 'node:crypto'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { InitCodeError, type AuditEvent, type Logger } from '../src/index.js'
import { eventually } from './helpers/processes.js'
import { tell } from './helpers/python-code.js'
import { makeToolset, temporaryFolder } from './helpers/toolset.js'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** A toolset whose events are collected. */
async function audited(options: Parameters<typeof makeToolset>[0] = {}) {
  const events: AuditEvent[] = []
  const tools = await makeToolset({ onAudit: (event) => void events.push(event), ...options })
  return { tools, events }
}

interface Line {
  level: string
  message: string
  details: Record<string, unknown>
}

/** An object of pino's shape; its methods need their `this`, as pino's do. */
class Lines implements Logger {
  readonly all: Line[] = []

  debug(details: object, message: string) {
    this.#add('debug', details, message)
  }

  info(details: object, message: string) {
    this.#add('info', details, message)
  }

  warn(details: object, message: string) {
    this.#add('warn', details, message)
  }

  error(details: object, message: string) {
    this.#add('error', details, message)
  }

  /** But for those of level debug. */
  get loud(): Line[] {
    return this.all.filter(({ level }) => level !== 'debug')
  }

  #add(level: string, details: object, message: string) {
    this.all.push({ level, message, details: { ...details } })
  }
}

describe('onAudit', () => {
  it('hears who ran what, when and with what outcome, but not the code', async () => {
    const { tools, events } = await audited()
    const before = Date.now()
    const code = 'secret = "é" * 3'
    const { interpreter_id, usage } = await tools.runPythonCode(code, { client_id: 'ann' })
    await tools.runPythonCode('1 / 0', { interpreter_id })
    expect(events).toEqual([
      {
        client_id: 'ann',
        interpreter_id,
        execution_count: 1,
        started_at: expect.any(String) as string,
        code_sha256: createHash('sha256').update(code, 'utf8').digest('hex'),
        code_bytes: 17,
        outcome: 'success',
        state: 'kept',
        usage,
      },
      expect.objectContaining({
        client_id: 'ann',
        execution_count: 2,
        outcome: 'error',
        error: 'ZeroDivisionError',
      }) as AuditEvent,
    ])
    const startedAt = new Date(events[0]?.started_at ?? 0).getTime()
    expect(startedAt).toBeGreaterThanOrEqual(before)
    expect(startedAt).toBeLessThanOrEqual(Date.now())
    expect(JSON.stringify(events)).not.toContain('secret')
  })

  it('hears of a crash, and what it cost', async () => {
    const { tools, events } = await audited({ checkpoint: 'always' })
    await tools.runPythonCode('x = 1')
    await tools.runPythonCode('import os; os._exit(3)')
    expect(events[1]).toMatchObject({
      outcome: 'error',
      error: 'InterpreterCrashed',
      state: 'restored',
      restart_reason: 'The Python process exited with code 3.',
    })
    expect(Object.keys(events[1]?.usage ?? {})).toEqual(['wall_ms'])
  })

  it('hears of a time limit, and of a detached run when it has ended', async () => {
    const { tools, events } = await audited()
    await tools.runPythonCode('while True: pass', { timeout_ms: 100 })
    expect(events[0]).toMatchObject({ outcome: 'error', error: 'TimeoutError', timed_out: true })
    const { execution_id } = await tools.runPythonCode('import time; time.sleep(0.5)', {
      timeout_ms: 100,
      on_timeout: 'detach',
    })
    expect(events).toHaveLength(1)
    await expect(tools.runPythonCode('2')).rejects.toThrow('busy')
    expect(events[1]).toMatchObject({
      outcome: 'refused',
      error: 'BusyError',
      execution_count: null,
    })
    expect(events[1]).not.toHaveProperty('usage')
    await tools.wait()
    expect(events[2]).toMatchObject({ outcome: 'success', execution_id, execution_count: 2 })
  })

  it('hears which limit of its session a run went over', async () => {
    const { tools, events } = await audited({ limits: { outputBytes: 1000 } })
    const { limit } = await tools.runPythonCode('while True: print("x" * 100)')
    expect(limit).toBe('outputBytes')
    expect(events).toMatchObject([{ outcome: 'error', error: 'LimitExceeded', limit }])
    await tools.runPythonCode('1')
    expect(events[1]).not.toHaveProperty('limit')
  })

  it('hears once of a call that was aborted, while it waited or ran', async () => {
    const { tools, events } = await audited()
    const started = join(await temporaryFolder(), 'started')
    const controller = new AbortController()
    const { signal } = controller
    const calls = [
      tools.runPythonCode(`${tell(started)}\nwhile True: pass`, { signal }),
      tools.runPythonCode('1', { signal }),
    ]
    await eventually('the code runs', () => existsSync(started))
    controller.abort()
    const settled = await Promise.allSettled(calls)
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await tools.runPythonCode('2')
    expect(events.map(({ outcome, execution_count: run }) => [outcome, run])).toEqual([
      ['aborted', null],
      ['aborted', 1],
      ['success', 2],
    ])
    expect(events[1]).toMatchObject({ state: 'kept' })
    expect(events[1]?.usage?.cpu_ms).toBeGreaterThan(0)
  })

  it('hears of runs that could not begin', async () => {
    const { tools, events } = await audited({ initCode: '1 / 0' })
    await expect(tools.runPythonCode('1')).rejects.toThrow(InitCodeError)
    await expect(tools.runPythonCode('1', { interpreter_id: 'none' })).rejects.toThrow('none')
    await tools.close()
    await expect(tools.runPythonCode('1', { client_id: 'ann' })).rejects.toThrow('closed')
    expect(events).toMatchObject([
      { outcome: 'not_started', error: 'InitCodeError', execution_count: 1, client_id: 'default' },
      { outcome: 'refused', error: 'UnknownInterpreterError', interpreter_id: null },
      { outcome: 'refused', error: 'ClosedError', client_id: 'ann', execution_count: null },
    ])
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('the listener is broken')
      },
    ],
    ['rejects', () => Promise.reject(new Error('the listener is broken'))],
  ])('breaks no run when it %s, and is told of', async (_, onAudit) => {
    const warnings: string[] = []
    const hear = (warning: Error) => void warnings.push(warning.message)
    process.on('warning', hear)
    onTestFinished(() => void process.off('warning', hear))
    const tools = await makeToolset({ onAudit })
    expect(await tools.runPythonCode('1')).toMatchObject({ success: true })
    await eventually('the warning is there', () => warnings.length > 0)
    expect(warnings).toEqual(['onAudit failed: Error: the listener is broken'])

    const logger = new Lines()
    const logged = await makeToolset({ onAudit, logger })
    expect(await logged.runPythonCode('1')).toMatchObject({ success: true })
    await eventually('the line is there', () => logger.loud.length > 1)
    expect(logger.all).toContainEqual({
      level: 'error',
      message: 'onAudit failed',
      details: { error: 'Error: the listener is broken' },
    })
  })
})

describe('logger', () => {
  it('gets a line for each run, and warns once of each process that had to be replaced', async () => {
    const logger = new Lines()
    const tools = await makeToolset({ logger, checkpoint: 'off' })
    await tools.runPythonCode('x = 1')
    await tools.runPythonCode('import os; os._exit(3)')
    await tools.runPythonCode('1')
    await tools.manageInterpreters({ operation: 'restart' })
    await tools.runPythonCode('1')
    expect(logger.loud.map(({ level }) => level)).toEqual(['info', 'info', 'warn', 'info', 'info'])
    expect(logger.loud[2]).toMatchObject({
      message: 'The Python process exited with code 3',
      details: { client_id: 'default', execution_count: 2, state: 'lost' },
    })
    expect(logger.loud[0]?.details).toMatchObject({ outcome: 'success', code_bytes: 5 })
  })

  it('warns once of a process that two results tell of', async () => {
    const logger = new Lines()
    const tools = await makeToolset({ logger, checkpoint: 'off' })
    await tools.runPythonCode('import os, time; time.sleep(0.3); os._exit(4)', {
      timeout_ms: 100,
      on_timeout: 'detach',
    })
    await tools.wait()
    expect(await tools.runPythonCode('1')).toMatchObject({ interpreter_restarted: true })
    expect(logger.loud.map(({ level }) => level)).toEqual(['info', 'warn', 'info'])
  })

  it('is not warned of what the limits of sessions have ended', async () => {
    const logger = new Lines()
    const tools = await makeToolset({ logger, maxRunsPerSession: 1, sessionIdleMs: 300 })
    await tools.runPythonCode('1')
    expect(await tools.runPythonCode('1')).toMatchObject({ state: 'lost' })
    await eventually('its end is logged', () => logger.all.length > 3)
    expect(await tools.runPythonCode('1')).toMatchObject({ state: 'lost' })
    expect(logger.all.map(({ level, message }) => [level, message])).toEqual([
      ['debug', 'Python interpreter made'],
      ['info', 'Python run'],
      ['info', 'Python run'],
      ['info', 'The Python process was ended because the session had been idle for 300 ms'],
      ['debug', 'Python interpreter made'],
      ['info', 'Python run'],
    ])
  })

  it('gets an error where no process could be started', async () => {
    const logger = new Lines()
    const tools = await makeToolset({ logger, python: '/nowhere/python' })
    await expect(tools.runPythonCode('1')).rejects.toThrow('/nowhere/python')
    expect(logger.loud.map(({ level }) => level)).toEqual(['info', 'error'])
    expect(logger.loud[1]?.details['error']).toContain('/nowhere/python')
  })

  it('is told of interpreters that could not be made, and why', async () => {
    const logger = new Lines()
    const broken = await makeToolset({ logger, initCode: 'raise ValueError("broken")' })
    expect(await broken.manageInterpreters({ operation: 'create' })).toMatchObject({
      success: false,
    })
    expect(logger.loud).toMatchObject([
      {
        level: 'error',
        message: 'No Python interpreter could be made',
        details: { client_id: 'default', operation: 'create', outcome: 'not_started' },
      },
    ])
    expect(logger.loud[0]?.details['error']).toContain('ValueError: broken')

    const full = new Lines()
    const tools = await makeToolset({ logger: full, maxSessions: 1, checkpoint: 'off' })
    const { interpreter_id } = await tools.runPythonCode('1', { client_id: 'ann' })
    await expect(tools.branch({ client_id: 'ann', interpreter_id })).rejects.toThrow('maxSessions')
    await expect(
      tools.branch({ client_id: 'ann', checkpoint: 'none', interpreter_id }),
    ).rejects.toThrow('none')
    const details = { client_id: 'ann', operation: 'branch', interpreter_id }
    expect(full.loud.slice(1)).toMatchObject([
      { level: 'info', details: { ...details, outcome: 'refused' } },
      { level: 'error', details: { ...details, outcome: 'not_started' } },
    ])
  })

  it('may be the console', async () => {
    const info = vi.spyOn(console, 'info').mockImplementation(() => undefined)
    const debug = vi.spyOn(console, 'debug').mockImplementation(() => undefined)
    onTestFinished(() => {
      info.mockRestore()
      debug.mockRestore()
    })
    const tools = await makeToolset({ logger: console })
    await tools.runPythonCode('1')
    expect(info).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ outcome: 'success' }),
      'Python run',
    )
  })

  it('must have the methods of one', async () => {
    const logger = { info: () => undefined } as unknown as Logger
    await expect(makeToolset({ logger })).rejects.toThrow(/logger: must have the methods debug/)
  })
})
