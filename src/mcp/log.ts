/** What a client's log is told: that a Python process was replaced, or that there was none. */
import type { ServerContext } from '@modelcontextprotocol/server'
import type { ToolAnswer } from '../toolset/model-text.js'

const LOGGER = 'python'

interface Event {
  readonly level: 'warning' | 'error'
  readonly data: { readonly message: string } & Readonly<Record<string, unknown>>
}

/** Sends what an answer tells of such events, as far as the client wants to hear of their level. */
export async function logEvents(
  request: Pick<ServerContext['mcpReq'], 'log'>,
  answer: ToolAnswer,
): Promise<void> {
  for (const { level, data } of eventsIn(answer)) {
    // Of the newest revision deprecated, and what clients of all others have.
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    await request.log(level, data, LOGGER).catch(() => undefined) // the connection is gone
  }
}

function eventsIn(answer: ToolAnswer): Event[] {
  if ('stdout' in answer) {
    const { interpreter_id, execution_count, state, restart_reason: message } = answer
    if (message === undefined) return []
    return [{ level: 'warning', data: { message, interpreter_id, execution_count, state } }]
  }
  if (!answer.success) {
    if (typeof answer.error === 'string') return []
    const { name, value } = answer.error
    return [{ level: 'error', data: { message: `The code did not run. ${name}: ${value}` } }]
  }
  const { outcome, message, interpreter_id, execution_count, state, run } = answer
  if (run !== undefined) return eventsIn(run)
  if (message === undefined || (outcome !== 'killed' && outcome !== 'died')) return []
  return [{ level: 'warning', data: { message, interpreter_id, execution_count, state } }]
}
