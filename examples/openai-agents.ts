/**
 * Python for an agent of the OpenAI Agents SDK. With OPENAI_API_KEY in the environment a real model answers,
 * that which MODEL names; else a scripted one.
 */
import { Agent, run, setTracingDisabled } from '@openai/agents'
import { assistantMessage, functionCall, ScriptedModel } from '@openai/agents/testing'
import { PythonInterpreterToolSet } from 'python-interpreter-toolset'
import { openAIAgentsTools } from 'python-interpreter-toolset/openai-agents'
import { lastWords, question, script, show, workdir } from './sea-question.js'

const hasKey = process.env['OPENAI_API_KEY'] !== undefined
if (!hasKey) setTracingDisabled(true) // there is nowhere to send traces to

await using python = new PythonInterpreterToolSet({ workdir, python: '.venv', echo: 'last' })

const agent = new Agent({
  name: 'Analyst',
  model: hasKey ? (process.env['MODEL'] ?? 'gpt-4o-mini') : scriptedModel(),
  tools: openAIAgentsTools(python, { onOutput: show }),
})
const { finalOutput } = await run(agent, question, { context: { client_id: 'conversation-1' } })
console.log(finalOutput)

function scriptedModel(): ScriptedModel {
  const calls = script.map((code) => functionCall('run_python_code', { code }, { callId: code }))
  return new ScriptedModel([...calls.map((call) => [call]), [assistantMessage(lastWords)]])
}
