/** The interpreters of one MCP client. */
import type { PythonInterpreterToolSet } from '../toolset/toolset.js'

/** Ends all of them, with what they run. A toolset that is closed has none. */
export async function endInterpreters(
  toolset: PythonInterpreterToolSet,
  client: string,
): Promise<void> {
  const ids = (await interpreters(toolset, client)).map(({ id }) => id)
  await Promise.all(
    ids.map((interpreter_id) =>
      toolset.manageInterpreters({ operation: 'delete', interpreter_id, client_id: client }),
    ),
  )
}

/** Whether any of them runs code, be it for a call or detached. */
export async function isRunning(
  toolset: PythonInterpreterToolSet,
  client: string,
): Promise<boolean> {
  return (await interpreters(toolset, client)).some(({ status }) => status === 'busy')
}

async function interpreters(toolset: PythonInterpreterToolSet, client: string) {
  const answer = await toolset.manageInterpreters({ operation: 'list', client_id: client })
  return answer.success ? (answer.interpreters ?? []) : []
}
