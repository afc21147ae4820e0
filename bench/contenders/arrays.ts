/** Arrays in and out of a session of this project. */
import { NdArray, PythonInterpreterToolSet } from 'python-interpreter-toolset'
import type { Contender, Setting } from '../benchmark.js'

/** Reads an array of so many numbers, `times` a round. */
export function toolsetArrayFromPython(numbers: number, times: number) {
  return async (setting: Setting): Promise<Contender> => {
    const toolset = open(setting)
    await toolset.runPythonCode(`import numpy\nnumbers = numpy.arange(${numbers}.0)`)
    return repeated(toolset, times, async () => {
      const array = (await toolset.getVariables(['numbers'])).numbers
      if (!(array instanceof NdArray) || array.data[numbers - 1] !== numbers - 1) {
        throw new Error('Not the array.')
      }
    })
  }
}

/** Sets an array of so many numbers, `times` a round. */
export function toolsetArrayToPython(numbers: number, times: number) {
  return async (setting: Setting): Promise<Contender> => {
    const toolset = open(setting)
    const array = new Float64Array(numbers).fill(1)
    await toolset.runPythonCode('import numpy')
    const contender = repeated(toolset, times, async () => {
      await toolset.setVariables({ array })
    })
    return Promise.resolve(contender)
  }
}

function open({ python, folder }: Setting): PythonInterpreterToolSet {
  return new PythonInterpreterToolSet({ python, workdir: folder })
}

function repeated(
  toolset: PythonInterpreterToolSet,
  times: number,
  act: () => Promise<void>,
): Contender {
  return {
    async round() {
      const samples: number[] = []
      for (let i = 0; i < times; i += 1) {
        const startedAt = performance.now()
        await act()
        samples.push(performance.now() - startedAt)
      }
      return samples
    },
    close: () => toolset.close(),
  }
}
