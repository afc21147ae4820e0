/**
 * Python for an agent of the AI SDK. With AI_GATEWAY_API_KEY in the environment a real model answers, that
 * which MODEL names; else a scripted one.
 */
import { stepCountIs, streamText } from 'ai'
import { convertArrayToReadableStream, MockLanguageModelV3 } from 'ai/test'
import { PythonInterpreterToolSet } from 'python-interpreter-toolset'
import { aiSdkTools } from 'python-interpreter-toolset/ai-sdk'
import { lastWords, question, script, show, workdir } from './sea-question.js'

const hasKey = process.env['AI_GATEWAY_API_KEY'] !== undefined

await using python = new PythonInterpreterToolSet({ workdir, python: '.venv', echo: 'last' })

const answer = streamText({
  model: hasKey ? (process.env['MODEL'] ?? 'openai/gpt-4o-mini') : scriptedModel(),
  tools: aiSdkTools(python, { onOutput: show }),
  prompt: question,
  stopWhen: stepCountIs(10),
  experimental_context: { client_id: 'conversation-1' },
})
for await (const text of answer.textStream) process.stdout.write(text)
console.log()

function scriptedModel() {
  const call = (code: string) => ({
    type: 'tool-call' as const,
    toolCallId: code,
    toolName: 'run_python_code',
    input: JSON.stringify({ code }),
  })
  const end = (unified: 'tool-calls' | 'stop') => ({
    type: 'finish' as const,
    finishReason: { unified, raw: undefined },
    usage: {
      inputTokens: { total: 0, noCache: 0, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: 0, text: 0, reasoning: 0 },
    },
  })
  const words = [
    { type: 'text-start' as const, id: 'words' },
    { type: 'text-delta' as const, id: 'words', delta: lastWords },
    { type: 'text-end' as const, id: 'words' },
  ]
  return new MockLanguageModelV3({
    doStream: [
      ...script.map((code) => ({
        stream: convertArrayToReadableStream([call(code), end('tool-calls')]),
      })),
      { stream: convertArrayToReadableStream([...words, end('stop')]) },
    ],
  })
}
