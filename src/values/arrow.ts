/**
 * Apache Arrow, as far as it is needed here. The package `apache-arrow` is an optional peer: only its
 * shapes are known, and it is loaded when there is a table.
 */
import { createRequire } from 'node:module'

/** One column of a table: a `Vector` of the package `apache-arrow`. */
export interface ArrowVector {
  readonly length: number
  get(index: number): unknown
  toArray(): ArrayLike<unknown>
}

/** A `Table` of the package `apache-arrow`. */
export interface ArrowTable {
  readonly numRows: number
  readonly numCols: number
  readonly schema: { readonly fields: readonly { readonly name: string }[] }
  get(index: number): unknown
  getChild(name: string): ArrowVector | null
  toArray(): readonly unknown[]
}

type Arrow = typeof import('apache-arrow')

const PACKAGE = 'apache-arrow'
let isInstalled: boolean | null = null

/** Whether the package is installed; does not load it. */
export function hasArrow(): boolean {
  isInstalled ??= canResolve()
  return isInstalled
}

/** Loads the package; rejects where it is not installed. */
export function loadArrow(): Promise<Arrow> {
  return import('apache-arrow')
}

// By their shapes: the caller's copy of the package may be another than the one that is loaded here.

/** Whether an instance of some class is a table. */
export function isArrowTable(value: object): value is ArrowTable {
  return 'schema' in value && 'batches' in value && 'numRows' in value && 'getChild' in value
}

/** Whether an instance of some class is a vector. */
export function isArrowVector(value: object): value is ArrowVector {
  return 'type' in value && 'data' in value && 'stride' in value && 'getChildAt' in value
}

/** A table, or a vector as a table of one column, as an IPC stream. */
export async function ipcStream(value: ArrowTable | ArrowVector): Promise<Uint8Array> {
  const { Table, tableToIPC } = await loadArrow()
  const table = isArrowTable(value) ? value : new Table({ '': value as never })
  return tableToIPC(table as InstanceType<Arrow['Table']>, 'stream')
}

function canResolve(): boolean {
  try {
    createRequire(import.meta.url).resolve(PACKAGE)
    return true
  } catch {
    return false
  }
}
