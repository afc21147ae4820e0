/** The text that a model reads about the tools. */
import type { HostFunction, ModuleRules } from '../engine/engine.js'

const RUN_DESCRIPTION = `Runs Python code in a persistent session and answers what it printed.

- Variables, imports, functions and the current directory stay for your next call. Files are relative to the working directory.
- Like at the Python prompt, each top-level expression shows its value; a trailing semicolon silences it, as in plt.plot(x);
- To get a value as data, set result_var_name to the name of a variable: its value comes as JSON in result.
- Plots: use matplotlib. Every figure open at plt.show() or at the end is saved as a file and closed; fig_storage_paths names the files. Charts of plotly and altair, DataFrames, images, HTML and Markdown are shown to the user as a value or by display().
- files lists the files below the working directory that were created or changed during the run.
- success says whether the code ran to its end. If not, error has name, value and traceback; correct it and call again. Variables set before the error are kept.
- If the Python process dies, your session goes on. state says how: restored means that variables and imports are as after the run numbered restored_to, so do again only what came after it; lost means that all are gone, so load your data again. notices says what happened.
- A run that takes longer than its time limit (timeout_ms) is stopped. Split long work into several calls, or pass on_timeout: "detach": then it goes on, and manage_interpreters has peek, wait and stop for it; until it ends, other code for its session is refused.
- Top-level await works; background tasks only go on while a later call awaits. input() works only where somebody can be asked.
- Notebook syntax works: !command, lines = !command, %pip install, %%bash, %time, %timeit, %%writefile, %run, name?`

/** Describes `run_python_code`. */
export function runDescription(
  modules: ModuleRules | null,
  hostFunctions: readonly HostFunction[],
): string {
  const lines = [RUN_DESCRIPTION]
  if (modules !== null) lines.push(`- ${modules.hint}`)
  if (hostFunctions.length > 0) {
    lines.push(HOST_FUNCTIONS, ...hostFunctions.map(({ source }) => `\n${source}`))
  }
  return lines.join('\n')
}

const HOST_FUNCTIONS = `- These functions are there already; call them in your code, in loops as well. Each is also a coroutine function by the name aio, for many calls at once: await asyncio.gather(*[f.aio(x) for x in xs]). They raise HostToolError.`

export const MANAGE_DESCRIPTION = `Manages Python interpreters. You have a session of your own already, which run_python_code uses: you need this tool only to

- create: make another interpreter with variables of its own; answers its interpreter_id for use in run_python_code.
- list: see your interpreters with status (starting, running = idle, busy, dead), memory and number of runs.
- interrupt: interrupt the code that an interpreter runs now, as Ctrl-C would; answers whether it stopped. Its variables are kept.
- restart: start an interpreter afresh; all its variables are lost.
- delete: end an interpreter.
- checkpoint: remember all variables as they are now, before a risky step; answers its checkpoint_id. Give it a name if you like.
- rollback: go back to a checkpoint, named by its id or name; without one, undo the last run, if there is a checkpoint from before it: quick runs share one, so make one before a risky step.
- branch: make a new interpreter that goes on from your present state, or from a checkpoint; answers its interpreter_id. Use it to try several ideas from one state without loading the data again.
- drop: forget a checkpoint.
- peek: see what a detached run has printed since your last look, and whether it still runs.
- wait: wait for a detached run, at most timeout_ms; answers its result once it has ended.
- variables: see what variables there are, with type, size, shape, columns and a short preview, without running code.
- stop: end a run, if need be with its process: then the session goes back to its last checkpoint.

Checkpoints hold variables, imports and the current directory. Files, databases and all else outside of Python are not undone.

Without interpreter_id or execution_id, all but create and list act on your session.`
