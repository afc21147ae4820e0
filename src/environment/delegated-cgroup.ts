/**
 * The control group (cgroups v2) in which each session can have one of its own.
 *
 * That a group can be written to does not say that it is this program's to manage: those that systemd
 * manages can be, too. So a program that is to use them is started in a group of a certain name, within
 * one that is delegated to it. Nothing but what is below the latter is touched, and nobody is moved
 * there but sessions. docs/limits.md says how such a program is started.
 */
import { accessSync, constants, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** What the group is called that the program itself is in. */
export const HOST_GROUP = 'python-interpreter-host'

const MOUNT = '/sys/fs/cgroup'
const CONTROLLERS = ['memory', 'pids', 'cpu'] as const

/** What can be limited for a whole group. */
export type Controller = (typeof CONTROLLERS)[number]

/** The delegated group; or why there is none, as the end of a sentence. */
export type DelegatedCgroup =
  | { readonly folder: string; readonly controllers: ReadonlySet<Controller> }
  | { readonly folder: null; readonly why: string }

let found: DelegatedCgroup | null = null

/** Looks for it, once, and has it limit what it can. */
export function delegatedCgroup(): DelegatedCgroup {
  return (found ??= look())
}

function look(): DelegatedCgroup {
  try {
    const path = /^0::(\/.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? ''
    if (basename(path) !== HOST_GROUP || path.split('/').includes('..')) {
      return { folder: null, why: `this program was not started in a group named ${HOST_GROUP}` }
    }
    const folder = join(MOUNT, dirname(path))
    for (const name of ['.', 'cgroup.procs']) accessSync(join(folder, name), constants.W_OK)
    const there = CONTROLLERS.filter((name) => listed(folder, 'cgroup.controllers', name))
    for (const name of there) {
      if (listed(folder, 'cgroup.subtree_control', name)) continue
      writeFileSync(join(folder, 'cgroup.subtree_control'), `+${name}`)
    }
    return { folder, controllers: new Set(there) }
  } catch (error) {
    return { folder: null, why: error instanceof Error ? error.message : String(error) }
  }
}

function listed(folder: string, file: string, name: Controller): boolean {
  return readFileSync(join(folder, file), 'utf8').trim().split(' ').includes(name)
}
