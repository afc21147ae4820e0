/** Prints the ms of one cold start in this fresh process. Usage: cold-start.ts PYTHON FOLDER */
import { coldStart } from './contenders/toolset.js'

const [python = '', folder = ''] = process.argv.slice(2)
console.log(await coldStart({ python, folder }))
