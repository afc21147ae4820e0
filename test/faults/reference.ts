/** What sessions hold after so many steps, learnt from one to which nothing happens. */
import type { PythonInterpreterToolSet } from '../../src/index.js'
import { setUp, STEP, type Look, type Profile } from './python-session.js'

/** Answers what the values are after so many steps. */
export class Reference {
  readonly #tools: PythonInterpreterToolSet
  readonly #known = new Map<Profile, Promise<Look['values']>[]>()

  constructor(tools: PythonInterpreterToolSet) {
    this.#tools = tools
  }

  after(steps: number, profile: Profile): Promise<Look['values']> {
    const known = this.#known.get(profile) ?? []
    this.#known.set(profile, known)
    // Each is asked for at once, and run after the one before: the session has a queue.
    while (known.length <= steps) known.push(this.#run(profile, known.length))
    return known[steps] ?? Promise.reject(new Error('unreachable'))
  }

  async #run(profile: Profile, steps: number): Promise<Look['values']> {
    const code = steps === 0 ? `import os\nos.mkdir(${JSON.stringify(profile)})\n` : ''
    const result = await this.#tools.runPythonCode(
      steps === 0 ? `${code}os.chdir(${JSON.stringify(profile)})\n${setUp(profile)}` : STEP,
      { client_id: profile, echo: 'none' },
    )
    if (!result.success) throw new Error(result.error.traceback)
    return (JSON.parse(result.stdout) as Look).values
  }
}
