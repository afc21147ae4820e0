/**
 * A small data analyst: it is given a CSV file and a question, and finds the answer in Python. Its model is
 * a written script, unless OPENROUTER_API_KEY or API_KEY is set: then it is a real one, and with --chat
 * you can talk to it. data/README.md says where the data come from.
 */
import { join, relative } from 'node:path'
import { PythonInterpreterToolSet } from 'python-interpreter-toolset'
import { Agent } from 'python-interpreter-toolset/agent'
import { simulateReadableStream } from 'ai'
import { MockLanguageModelV3 } from 'ai/test'

type ModelCall = MockLanguageModelV3['doStreamCalls'][number]

const workdir = join(import.meta.dirname, 'data')
const QUESTION =
  'In which years was the sea of sea-surface-temperature.csv warmest, against what is usual? Draw it.'

/** What the scripted model says and runs, one after the other; the last says what it has read. */
const SCRIPT = [
  {
    text: 'I look at the file first.',
    code: `import pandas as pd
sea = pd.read_csv('sea-surface-temperature.csv')
sea.iloc[:2, :5]`,
  },
  {
    text: 'A row for each year, a column for each month: I take from each its mean.',
    code: `sea = sea.set_index('Year')
anomaly = (sea - sea.mean()).mean(axis=1)`,
  },
  {
    text: 'The column is called year, as the table says.',
    code: `sea = sea.set_index('year')
anomaly = (sea - sea.mean()).mean(axis=1)
print(*(f'{year} ({by:+.2f} °C)' for year, by in anomaly.nlargest(3).items()), sep=', ')`,
  },
  {
    text: 'Now the figure.',
    code: `import matplotlib.pyplot as plt
figure, axes = plt.subplots(figsize=(8, 3.5), layout='constrained')
axes.bar(anomaly.index, anomaly, color=['salmon' if a > 0 else 'lightblue' for a in anomaly])
axes.set(title='Sea surface temperature', ylabel='difference from the mean, °C')
plt.show()`,
  },
  { text: 'Against the mean of each month, the sea was warmest in ' },
]

const { OPENROUTER_API_KEY, API_KEY, MODEL = 'openai/gpt-4o-mini' } = process.env
const model = OPENROUTER_API_KEY || API_KEY ? { model: MODEL } : scriptedModel()

await using pythonTools = new PythonInterpreterToolSet({ workdir, python: '.venv', echo: 'last' })

const agent = new Agent({ name: 'analyst', model })
await agent.toolset(pythonTools)

if (process.argv.includes('--chat')) await agent.chat()
else await analyse()

async function analyse(): Promise<void> {
  console.log(QUESTION)
  const stream = agent.stream(QUESTION)
  for await (const event of stream) {
    if (event.type === 'text-delta') process.stdout.write(event.text)
    if (event.type === 'step') console.log(`\n${event.step.code}\n=> ${event.step.observation}\n`)
  }
  const { steps, usage } = await stream.result
  const figures = steps.flatMap(({ answer }) =>
    answer !== null && 'fig_storage_path' in answer ? [String(answer.fig_storage_path)] : [],
  )
  console.log(`\n${steps.length} steps, ${usage.requests} answers of the model`)
  for (const path of figures) console.log('figure:', relative('.', join(workdir, path)))
}

/** A model that says what is written, and ends with what the output of its third step was. */
function scriptedModel(): MockLanguageModelV3 {
  return new MockLanguageModelV3({
    doStream: (call) => {
      const outputs = outputsIn(call)
      const said = SCRIPT[outputs.length] ?? { text: 'That is all that I can say.' }
      const text = 'code' in said ? said.text : `${said.text}${outputs[2] ?? ''}.`
      const parts = text
        .split(/(?<= )/)
        .map((delta) => ({ type: 'text-delta', id: '1', delta }) as const)
      const calls =
        'code' in said
          ? [
              {
                type: 'tool-call' as const,
                toolCallId: `call-${outputs.length}`,
                toolName: 'run_python_code',
                input: JSON.stringify({ code: said.code }),
              },
            ]
          : []
      return Promise.resolve({
        stream: simulateReadableStream({
          chunks: [
            { type: 'text-start' as const, id: '1' },
            ...parts,
            { type: 'text-end' as const, id: '1' },
            ...calls,
            {
              type: 'finish' as const,
              finishReason: { unified: calls.length > 0 ? 'tool-calls' : 'stop', raw: undefined },
              usage: {
                inputTokens: { total: 0, noCache: 0, cacheRead: 0, cacheWrite: 0 },
                outputTokens: { total: 0, text: 0, reasoning: 0 },
              },
            },
          ],
        }),
      })
    },
  })
}

/** What the code has printed so far. */
function outputsIn({ prompt }: ModelCall): string[] {
  const results = prompt.flatMap(({ role, content }) => (role === 'tool' ? content : []))
  return results.map((part) => {
    const text = part.type === 'tool-result' && 'value' in part.output ? part.output.value : ''
    return typeof text === 'string' ? text.replace('stdout:\n', '') : ''
  })
}
