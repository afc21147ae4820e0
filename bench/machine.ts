/** Facts of the machine and the versions, without which numbers mean nothing. */
import { cpus, loadavg, release, type } from 'node:os'
import { version as pyodide } from 'pyodide'
import { version as libzmq } from 'zeromq'
import { IpykernelDriver } from './contenders/ipykernel-driver.js'

/** What the numbers were measured on, as `name: value`. */
export async function machineFacts(python: string): Promise<Record<string, string>> {
  const driver = await IpykernelDriver.start(python)
  await driver.close()
  const processors = cpus()
  return {
    processor: `${processors.length} cores, ${processors[0]?.model ?? 'unknown'}`,
    system: `${type()} ${release()}`,
    node: `${process.version}, libzmq ${libzmq}`,
    ...driver.versions,
    pyodide,
    'load average before': load(),
  }
}

/** Runnable processes, averaged over the last minute: what else the machine was doing. */
export function load(): string {
  return loadavg()[0]?.toFixed(2) ?? 'unknown'
}
