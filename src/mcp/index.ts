/** The door of the subpath `mcp`: the toolset as a server of the Model Context Protocol. */
export { mcpServer, type PythonMcpOptions } from './server.js'
export { HttpSessions, type HttpSessionsOptions } from './http-sessions.js'
