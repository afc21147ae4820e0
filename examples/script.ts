/** Direct calls in a script: text, values and errors are all in the result. */
import { PythonInterpreterToolSet } from 'python-interpreter-toolset'

await using python = new PythonInterpreterToolSet()

const sum = await python.runPythonCode('x = 1 + 2\nprint("x is", x)', { result_var_name: 'x' })
process.stdout.write(sum.stdout) // x is 3
console.log(sum.result) // 3, as a number

// Variables stay, and a top-level expression shows its value as at the Python prompt.
const power = await python.runPythonCode('x ** 50')
process.stdout.write(power.stdout) // 717897987691852588770249

// What goes wrong in Python does not throw: it is in the result, too.
const failed = await python.runPythonCode('x / 0')
console.log(failed.success, failed.error?.name) // false ZeroDivisionError

// What code says can be watched while it runs.
for await (const output of python.stream('for n in range(3): print("step", n)')) {
  if (output.type === 'stream') process.stdout.write(output.text) // step 0, step 1, step 2
}
