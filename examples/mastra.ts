/**
 * Python for an agent of Mastra. With OPENAI_API_KEY in the environment a real model answers, that which
 * MODEL names; else a scripted one.
 */
import { Agent } from '@mastra/core/agent'
import type { MastraModelConfig } from '@mastra/core/llm'
import { MastraLanguageModelV2Mock } from '@mastra/core/test-utils/llm-mock'
import { PythonInterpreterToolSet } from 'python-interpreter-toolset'
import { mastraTools } from 'python-interpreter-toolset/mastra'
import { lastWords, question, script, show, workdir } from './sea-question.js'

const hasKey = process.env['OPENAI_API_KEY'] !== undefined

await using python = new PythonInterpreterToolSet({ workdir, python: '.venv', echo: 'last' })

const agent = new Agent({
  id: 'analyst',
  name: 'Analyst',
  instructions: 'Answer questions about data with Python.',
  model: hasKey ? (process.env['MODEL'] ?? 'openai/gpt-4o-mini') : scriptedModel(),
  tools: mastraTools(python, { onOutput: show }),
})
const memory = { thread: 'conversation-1', resource: 'somebody' }
const answer = await agent.stream(question, { memory, maxSteps: 10 })
for await (const text of answer.textStream) process.stdout.write(text)
console.log()

function scriptedModel(): MastraModelConfig {
  const usage = { inputTokens: 0, outputTokens: 0, totalTokens: 0 }
  const call = (code: string) => ({
    type: 'tool-call' as const,
    toolCallId: code,
    toolName: 'run_python_code',
    input: JSON.stringify({ code }),
  })
  const end = (finishReason: 'tool-calls' | 'stop') => ({
    type: 'finish' as const,
    finishReason,
    usage,
  })
  const words = [
    { type: 'text-start' as const, id: 'words' },
    { type: 'text-delta' as const, id: 'words', delta: lastWords },
    { type: 'text-end' as const, id: 'words' },
  ]
  const steps = [
    ...script.map((code) => ReadableStream.from([call(code), end('tool-calls')])),
    ReadableStream.from([...words, end('stop')]),
  ].values()
  const model = new MastraLanguageModelV2Mock({
    doStream: () => Promise.resolve({ stream: steps.next().value ?? ReadableStream.from([]) }),
  })
  return model as unknown as MastraModelConfig // it is one but for exactOptionalPropertyTypes
}
