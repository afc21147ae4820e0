/**
 * Python for an agent of LangChain.js, here a loop over a chat model. With OPENAI_API_KEY in the environment
 * and @langchain/openai installed a real model answers, that which MODEL names; else a scripted one.
 */
import { AIMessage, HumanMessage, type BaseMessage } from '@langchain/core/messages'
import type { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { fakeModel } from '@langchain/core/testing'
import { PythonInterpreterToolSet } from 'python-interpreter-toolset'
import { langChainTools } from 'python-interpreter-toolset/langchain'
import { lastWords, question, script, show, workdir } from './sea-question.js'

await using python = new PythonInterpreterToolSet({ workdir, python: '.venv', echo: 'last' })
const tools = langChainTools(python, { onOutput: show })
const chat = process.env['OPENAI_API_KEY'] === undefined ? scriptedModel() : await realModel()
const model = chat.bindTools?.(tools)

const config = { configurable: { thread_id: 'conversation-1' } }
const messages: BaseMessage[] = [new HumanMessage(question)]
for (;;) {
  const answer = await model?.invoke(messages, config)
  if (answer === undefined) throw new Error('This model takes no tools.')
  messages.push(answer)
  if (answer.tool_calls?.length === 0) break
  for (const call of answer.tool_calls ?? []) {
    const tool = tools.find(({ name }) => name === call.name)
    messages.push((await tool?.invoke({ ...call, type: 'tool_call' }, config)) as BaseMessage)
  }
}
console.log(messages.at(-1)?.text)

function scriptedModel(): BaseChatModel {
  const model = fakeModel()
  for (const code of script) model.respondWithTools([{ name: 'run_python_code', args: { code } }])
  return model.respond(new AIMessage(lastWords))
}

async function realModel(): Promise<BaseChatModel> {
  const name = '@langchain/openai'
  const { ChatOpenAI } = (await import(name)) as {
    ChatOpenAI: new (options: { model: string; useResponsesApi: boolean }) => BaseChatModel
  }
  // Only the Responses API takes images in tool results.
  return new ChatOpenAI({ model: process.env['MODEL'] ?? 'gpt-4o-mini', useResponsesApi: true })
}
