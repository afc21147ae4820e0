/**
 * Python for the tool runner of the Anthropic SDK. With ANTHROPIC_API_KEY in the environment a real model
 * answers, that which MODEL names; else a scripted one.
 */
import Anthropic from '@anthropic-ai/sdk'
import { PythonInterpreterToolSet } from 'python-interpreter-toolset'
import { anthropicTools } from 'python-interpreter-toolset/anthropic'
import { lastWords, question, script, show, workdir } from './sea-question.js'

const hasKey = process.env['ANTHROPIC_API_KEY'] !== undefined
const client = hasKey ? new Anthropic() : new Anthropic({ apiKey: 'none', fetch: scriptedModel() })

await using python = new PythonInterpreterToolSet({ workdir, python: '.venv', echo: 'last' })

const answer = await client.beta.messages
  .toolRunner({
    model: process.env['MODEL'] ?? 'claude-haiku-4-5',
    max_tokens: 4000,
    messages: [{ role: 'user', content: question }],
    tools: anthropicTools(python, { client_id: 'conversation-1', onOutput: show }),
  })
  .runUntilDone()
for (const block of answer.content) if (block.type === 'text') console.log(block.text)

/** Answers requests in the service's place. */
function scriptedModel(): typeof fetch {
  const calls = script.map((code, i) => {
    return { type: 'tool_use', id: `call-${i}`, name: 'run_python_code', input: { code } }
  })
  const contents = [...calls, { type: 'text', text: lastWords }].values()
  return () => {
    const content = contents.next().value
    const stop_reason = content?.type === 'text' ? 'end_turn' : 'tool_use'
    const usage = { input_tokens: 0, output_tokens: 0 }
    const message = { type: 'message', role: 'assistant', content: [content], stop_reason, usage }
    return Promise.resolve(Response.json(message))
  }
}
