/** One call of a tool by an MCP client: who calls, what it hears meanwhile, and what it is answered. */
import type { CallToolResult, ServerContext } from '@modelcontextprotocol/server'
import type { z } from 'zod'
import type { Tool } from '../toolset/tool.js'
import type { ToolAnswer } from '../toolset/model-text.js'
import { logEvents } from './log.js'
import { RunProgress } from './run-progress.js'
import { filesOf, toolResult, type AnswerFiles } from './tool-result.js'

/** What a call needs to know of its server. */
export interface Caller {
  /** The `client_id`. */
  readonly client: string
  readonly outputSchema: z.ZodType
  /** Hears of the files that a run has written. */
  readonly onFiles: (files: AnswerFiles) => void
}

/** Carries out a call. Rejects only if it is cancelled, when nobody reads the answer. */
export async function callTool(
  tool: Tool<ToolAnswer>,
  input: unknown,
  { mcpReq }: ServerContext,
  { client, outputSchema, onFiles }: Caller,
): Promise<CallToolResult> {
  const { signal } = mcpReq
  const token = mcpReq._meta?.progressToken
  const progress =
    token === undefined
      ? null
      : new RunProgress((params) =>
          mcpReq.notify({
            method: 'notifications/progress',
            params: { progressToken: token, ...params },
          }),
        )
  try {
    const onOutput = progress === null ? {} : { onOutput: progress.hear }
    const answer = await tool.execute(input, { client_id: client, signal, ...onOutput })
    await logEvents(mcpReq, answer)
    const files = filesOf(answer)
    if (files.figures.length + files.others.length > 0) onFiles(files)
    return toolResult(answer, tool.toModelText(answer), outputSchema)
  } finally {
    progress?.stop()
  }
}
