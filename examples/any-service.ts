/**
 * The agent of this package, with a model of any service that speaks the format of OpenAI's chat completions.
 * It needs OPENAI_API_KEY in the environment or, for another service, OPENAI_BASE_URL; MODEL names the model.
 */
import { PythonInterpreterToolSet } from 'python-interpreter-toolset'
import { Agent } from 'python-interpreter-toolset/agent'

await using python = new PythonInterpreterToolSet({ echo: 'last' })

const agent = new Agent({
  model: {
    model: process.env['MODEL'] ?? 'gpt-4o-mini',
    baseURL: process.env['OPENAI_BASE_URL'] ?? 'https://api.openai.com/v1',
    apiKey: process.env['OPENAI_API_KEY'],
  },
})
await agent.toolset(python)

const { text, steps } = await agent.run('Which is the 1000th prime number? Compute it.')
console.log(text)
for (const { code, success } of steps) console.log(success ? 'ran:' : 'failed:', code)
