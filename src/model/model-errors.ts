/** What went wrong with a model's service, as an error that says what to do. */
import { APICallError, InvalidResponseDataError, RetryError } from 'ai'
import { ModelError, PythonInterpreterError } from '../errors.js'

/** Makes a typed error of what the AI SDK throws, or what a service says in the middle of an answer. */
export function modelError(error: unknown): PythonInterpreterError {
  if (error instanceof PythonInterpreterError) return error
  if (RetryError.isInstance(error)) return callError(error.lastError, error.errors.length)
  return callError(error, 1)
}

function callError(error: unknown, attempts: number): ModelError {
  const options = { cause: error }
  if (APICallError.isInstance(error)) {
    const { statusCode: status = null } = error
    const isAnswered = status !== null && status !== 200
    const message = isAnswered ? refused(error, status, attempts) : broken(error, attempts)
    return new ModelError(message, isAnswered ? status : null, options)
  }
  if (InvalidResponseDataError.isInstance(error)) {
    const message = `The model's answer broke off (${sentence(error)}). Ask again.`
    return new ModelError(message, null, options)
  }
  const message = `The model's service failed in the middle of an answer: ${sentence(error)}. Ask again.`
  return new ModelError(message, null, options)
}

function broken(error: APICallError, attempts: number): string {
  const { url, statusCode } = error
  if (statusCode === 200) {
    const why = error.cause === undefined ? sentence(error) : sentence(error.cause)
    return `The connection to the model's service broke in the middle of an answer (${why}). Ask again.`
  }
  return (
    `The model's service cannot be reached at ${url}${afterAttempts(attempts)}: ${sentence(error)}. ` +
    'Check baseURL and the network.'
  )
}

function refused(error: APICallError, status: number, attempts: number): string {
  const said = `(status ${status}: ${sentence(error)})`
  switch (status) {
    case 401:
    case 403:
      return `The model's service refused the API key ${said}. Pass another apiKey, or set it in the environment.`
    case 402:
      return `The model's service wants to be paid ${said}. Add credit to the account of its key.`
    case 404:
      return `The model's service knows no such model or URL ${said}. Check model and baseURL (${error.url}).`
    case 429:
      return `The model's service is asked too often${afterAttempts(attempts)} ${said}. ${waitFor(error)}`
    default:
      return status >= 500
        ? `The model's service failed${afterAttempts(attempts)} ${said}. Ask again later.`
        : `The model's service refused the request ${said}. Correct what its message names.`
  }
}

function afterAttempts(attempts: number): string {
  return attempts === 1 ? '' : `, also after ${attempts} attempts`
}

function waitFor(error: APICallError): string {
  const seconds = Number.parseFloat(error.responseHeaders?.['retry-after'] ?? '')
  const wait = Number.isNaN(seconds) ? 'a while' : `${seconds} s`
  return `Wait ${wait} and ask again, or pass a larger maxRetries.`
}

/** What it says, without the full stop. */
function sentence(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'message' in error) {
    return String(error.message).replace(/\.$/, '')
  }
  return String(error).replace(/\.$/, '')
}
