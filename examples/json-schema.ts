/**
 * Python for a model with function calling and no framework, here the chat completions of OpenAI and many
 * others. With OPENAI_API_KEY in the environment, and OPENAI_BASE_URL for another service, a real model
 * answers, that which MODEL names; else a scripted one.
 */
import { PythonInterpreterToolSet } from 'python-interpreter-toolset'
import { functionTools } from 'python-interpreter-toolset/json-schema'
import { lastWords, question, script, show, workdir } from './sea-question.js'

interface Message {
  readonly role: string
  readonly content?: string | null
  readonly tool_call_id?: string
  readonly tool_calls?: readonly { id: string; function: { name: string; arguments: string } }[]
}

const key = process.env['OPENAI_API_KEY']
const complete = key === undefined ? scriptedModel() : (messages: Message[]) => ask(key, messages)

await using python = new PythonInterpreterToolSet({ workdir, python: '.venv', echo: 'last' })
// Tool messages of this API have no images.
const functions = functionTools(python, { images: false })
const context = { client_id: 'conversation-1', onOutput: show }

const messages: Message[] = [{ role: 'user', content: question }]
for (;;) {
  const message = await complete(messages)
  messages.push(message)
  if (message.tool_calls === undefined) break
  for (const { id, function: called } of message.tool_calls) {
    const { text } = await functions.call(called.name, called.arguments, context)
    messages.push({ role: 'tool', tool_call_id: id, content: text })
  }
}
console.log(messages.at(-1)?.content)

async function ask(apiKey: string, messages: readonly Message[]): Promise<Message> {
  const base = process.env['OPENAI_BASE_URL'] ?? 'https://api.openai.com/v1'
  const response = await fetch(`${base}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: process.env['MODEL'] ?? 'gpt-4o-mini',
      messages,
      tools: functions.definitions.map((definition) => ({
        type: 'function',
        function: definition,
      })),
    }),
  })
  if (!response.ok) throw new Error(await response.text())
  const { choices } = (await response.json()) as { choices: [{ message: Message }] }
  return choices[0].message
}

function scriptedModel(): () => Promise<Message> {
  const calls = script.map((code): Message => {
    const called = { name: 'run_python_code', arguments: JSON.stringify({ code }) }
    return { role: 'assistant', tool_calls: [{ id: code, function: called }] }
  })
  const said: Message = { role: 'assistant', content: lastWords }
  const answers = [...calls, said].values()
  return () => Promise.resolve(answers.next().value ?? said)
}
