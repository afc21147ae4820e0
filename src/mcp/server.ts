/** A toolset as an MCP server: its tools, and the files of its workdir as resources. */
import { randomUUID } from 'node:crypto'
import { McpServer, type ToolAnnotations } from '@modelcontextprotocol/server'
import type { z } from 'zod'
import { packageVersion } from '../package-version.js'
import type { PythonInterpreterToolSet } from '../toolset/toolset.js'
import { endInterpreters } from './client-interpreters.js'
import { manageOutput, runOutput } from './output-schemas.js'
import { FigureList, registerResources } from './resources.js'
import { callTool } from './tool-call.js'

/** Options of {@link mcpServer}. */
export interface PythonMcpOptions {
  /**
   * Whose Python session the connection uses; its interpreters then outlive the connection.
   * @default a client of its own, whose interpreters end with the connection
   */
  readonly clientId?: string
}

/** How a tool looks to a client, beside what the toolset says of it. */
interface Presentation {
  readonly title: string
  /** What is true of it here only: another line of its description. */
  readonly remark: string
  readonly outputSchema: z.ZodType
  readonly annotations: ToolAnnotations
}

const PRESENTATION: Record<'run_python_code' | 'manage_interpreters', Presentation> = {
  run_python_code: {
    title: 'Run Python code',
    remark:
      '\n- Here, the user is shown text and images only: save charts of plotly and altair, and HTML, as ' +
      'files, which are linked.',
    outputSchema: runOutput,
    // Code can do whatever its process may, and twice the same is not the same as once.
    annotations: {
      readOnlyHint: false,
      destructiveHint: true,
      idempotentHint: false,
      openWorldHint: true,
    },
  },
  manage_interpreters: {
    title: 'Manage Python interpreters',
    remark: '',
    outputSchema: manageOutput,
    // To restart, delete or roll back an interpreter loses variables.
    annotations: {
      readOnlyHint: false,
      destructiveHint: true,
      idempotentHint: false,
      openWorldHint: false,
    },
  },
}

const INSTRUCTIONS =
  'Python runs in a session that keeps its variables between calls. Files of its working directory, ' +
  'and the figures that it draws, are resources: workdir:///NAME.'

/**
 * Makes an MCP server of a toolset, for one client: connect it to any transport. Closing the toolset
 * stays the caller's.
 *
 * @example
 * ```ts
 * await mcpServer(toolset).connect(new StdioServerTransport())
 * ```
 */
export function mcpServer(
  toolset: PythonInterpreterToolSet,
  { clientId }: PythonMcpOptions = {},
): McpServer {
  const server = new McpServer(
    { name: 'python-interpreter-toolset', title: 'Python', version: packageVersion() },
    {
      // The list of tools is always the same.
      capabilities: { tools: { listChanged: false }, resources: {}, logging: {} },
      instructions: INSTRUCTIONS,
    },
  )
  const client = clientId ?? randomUUID()
  const figures = new FigureList()
  for (const tool of toolset.tools()) {
    const { name, inputSchema } = tool
    const { remark, ...presentation } = PRESENTATION[name as keyof typeof PRESENTATION]
    const definition = { description: tool.description + remark, inputSchema, ...presentation }
    server.registerTool(name, definition, (input, context) =>
      callTool(tool, input, context, {
        client,
        outputSchema: presentation.outputSchema,
        onFiles: (files) => {
          figures.add(files)
          server.server.sendResourceListChanged().catch(() => undefined) // the connection is gone
        },
      }),
    )
  }
  registerResources(server, toolset.files, figures)
  if (clientId === undefined) {
    server.server.onclose = () => void endInterpreters(toolset, client)
  }
  return server
}
