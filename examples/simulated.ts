/**
 * Python that a language model plays: nothing runs, and what is shown is made up. With OPENAI_API_KEY in the
 * environment a real model plays it, that which AIPYTHON_MODEL names; else a scripted one, whose lines are
 * below.
 */
import { convertArrayToReadableStream, MockLanguageModelV3 } from 'ai/test'
import { PythonInterpreterToolSet } from 'python-interpreter-toolset'
import { SimulatedEngine } from 'python-interpreter-toolset/simulated'

const hasKey = process.env['OPENAI_API_KEY'] !== undefined
const engine = new SimulatedEngine(hasKey ? {} : { model: scriptedModel() })
await using python = new PythonInterpreterToolSet({ engine })

const { stdout, simulated } = await python.runPythonCode(
  'squares = [n * n for n in range(5)]\nsquares',
)
process.stdout.write(stdout) // [0, 1, 4, 9, 16], as far as the model gets it right
console.log('simulated:', simulated) // simulated: true

function scriptedModel(): MockLanguageModelV3 {
  return new MockLanguageModelV3({
    doStream: {
      stream: convertArrayToReadableStream([
        {
          type: 'tool-call',
          toolCallId: 'call-1',
          toolName: 'execute_result',
          input: JSON.stringify({ text: '[0, 1, 4, 9, 16]' }),
        },
        {
          type: 'finish',
          finishReason: { unified: 'tool-calls', raw: undefined },
          usage: {
            inputTokens: { total: 0, noCache: 0, cacheRead: 0, cacheWrite: 0 },
            outputTokens: { total: 0, text: 0, reasoning: 0 },
          },
        },
      ]),
    },
  })
}
