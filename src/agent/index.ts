/** The door of the subpath `agent`. */
export {
  Agent,
  DEFAULT_INSTRUCTIONS,
  type AgentOptions,
  type AgentStream,
  type TurnOptions,
} from './agent.js'
export type { ChatOptions } from './chat.js'
export type { AgentUsage, SavedConversation } from './conversation.js'
export type { AgentModel, ServiceModel } from '../model/model.js'
export type { AgentEvent, AgentFinishReason, AgentResult, AgentStep } from './turn.js'
export { AbortedError, InvalidOptionError, ModelError, PythonInterpreterError } from '../errors.js'
