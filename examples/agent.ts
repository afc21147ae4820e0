/**
 * An agent of no particular framework. It takes toolsets, and carries out the calls that its model
 * makes; here a scripted list of calls stands for the model.
 */
import { PythonInterpreterToolSet, type Tool, type ToolSet } from 'python-interpreter-toolset'

interface ToolCall {
  readonly name: string
  readonly input: unknown
}

class Agent {
  readonly #tools = new Map<string, Tool>()

  /** @param conversation - whose Python variables the calls see */
  constructor(readonly conversation: string) {}

  toolset(set: ToolSet): void {
    for (const tool of set.tools()) this.#tools.set(tool.name, tool)
  }

  /** Carries out one call, and answers the text that the model reads next. */
  async call({ name, input }: ToolCall): Promise<string> {
    const tool = this.#tools.get(name)
    if (tool === undefined) return `There is no tool ${name}.`
    const answer = await tool.execute(input, { client_id: this.conversation })
    return tool.toModelText(answer)
  }
}

await using pythonTools = new PythonInterpreterToolSet()
const agent = new Agent('conversation-1')
agent.toolset(pythonTools)

const primes = `def is_prime(n):
    return n > 1 and all(n % d for d in range(2, n))

primes = [n for n in range(50) if is_prime(n)]`

const calls: ToolCall[] = [
  { name: 'run_python_code', input: { code: 'primes = [n for n in range(50) if is_prime(n)]' } },
  { name: 'run_python_code', input: { code: primes, result_var_name: 'primes' } },
  { name: 'run_python_code', input: { code: 'sum(primes)' } },
  { name: 'manage_interpreters', input: { operation: 'list' } },
]
for (const call of calls) {
  console.log(`\n> ${call.name} ${JSON.stringify(call.input)}`)
  console.log(await agent.call(call))
}
