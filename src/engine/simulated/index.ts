/** The door of the subpath `simulated`. */
export { SimulatedEngine, type SimulatedEngineOptions } from './simulated-engine.js'
export type { AgentModel, ServiceModel } from '../../model/model.js'
export { InvalidOptionError, PythonInterpreterError } from '../../errors.js'
