/** The files of a workdir as MCP resources: `workdir:///` and the path. Folders end with `/`. */
import { isUtf8 } from 'node:buffer'
import {
  ProtocolError,
  ProtocolErrorCode,
  ResourceNotFoundError,
  ResourceTemplate,
  type McpServer,
  type ReadResourceResult,
  type Resource,
  type ResourceLink,
} from '@modelcontextprotocol/server'
import type { ErrorCode } from '../errors.js'
import { mimeType } from '../files/mime-types.js'
import type { FileEntry, WorkdirFiles } from '../files/workdir-files.js'

const ROOT = 'workdir:///'
const FOLDER_TYPE = 'inode/directory'
const JSON_TYPE = 'application/json'
/** Bytes of a file that is read: in base64, clients still take it as one message. */
const MAX_BYTES = 5_000_000
/** Characters of a text as JSON, for the same reason. */
const MAX_JSON = 8_000_000
/** Entries of a folder that are listed. */
const MAX_ENTRIES = 1_000
const MAX_FIGURES = 100
const TEXT_TYPE =
  /^text\/|^application\/(.+\+)?(json|xml|x-ndjson|yaml|toml|sql|x-sh|x-tex)$|^image\/svg\+xml$/

/** The figures that one client's runs have drawn: the newest, by path. */
export class FigureList {
  readonly #paths = new Set<string>()

  add({ figures }: { readonly figures: readonly string[] }): void {
    for (const path of figures) this.#paths.add(path)
    for (const path of [...this.#paths].slice(0, -MAX_FIGURES)) this.#paths.delete(path)
  }

  get paths(): readonly string[] {
    return [...this.#paths]
  }
}

/** Offers the files: those in the workdir itself and the client's figures are listed, all can be read. */
export function registerResources(
  server: McpServer,
  files: WorkdirFiles,
  figures: FigureList,
): void {
  const read = (uri: URL) => readResource(files, uri)
  server.registerResource(
    'workdir',
    ROOT,
    { title: 'Working directory', description: 'Its entries, as JSON.', mimeType: JSON_TYPE },
    read,
  )
  server.registerResource(
    'file',
    new ResourceTemplate(`${ROOT}{+path}`, { list: () => listResources(files, figures) }),
    { title: 'File of the working directory, or with / at its end the entries of a folder' },
    read,
  )
}

/** A link to a file, or to a figure, whose size is not known. */
export function fileLink(file: Pick<FileEntry, 'path' | 'mime_type' | 'size'>): ResourceLink {
  return { type: 'resource_link', ...resource({ ...file, type: 'file' }) }
}

async function listResources(
  files: WorkdirFiles,
  figures: FigureList,
): Promise<{ resources: Resource[] }> {
  const entries = await answering(ROOT, () => files.list())
  const drawn = figures.paths.map(
    (path) => ({ path, type: 'file', mime_type: mimeType(path) }) as const,
  )
  const isListed = ({ path, type }: FileEntry) =>
    (type === 'file' || type === 'folder') && !figures.paths.includes(path)
  const listed = entries.filter(isListed)
  const all = [...drawn, ...listed.slice(0, MAX_ENTRIES)].map(resource)
  // Without a title of its own, each would have the template's.
  return { resources: all.map((one) => ({ ...one, title: one.name })) }
}

function resource(entry: Pick<FileEntry, 'path' | 'type' | 'mime_type' | 'size'>): Resource {
  const { path, type, mime_type: mime, size } = entry
  return {
    uri: uriOf(entry),
    name: path,
    mimeType: type === 'folder' ? FOLDER_TYPE : (mime ?? mimeType(path)),
    ...(size === undefined ? {} : { size }),
  }
}

function uriOf({ path, type }: Pick<FileEntry, 'path' | 'type'>): string {
  const parts = path.split(/[/\\]/).map(encodeURIComponent)
  return `${ROOT}${parts.join('/')}${type === 'folder' ? '/' : ''}`
}

async function readResource(
  files: WorkdirFiles,
  { href, pathname }: URL,
): Promise<ReadResourceResult> {
  const path = decoded(pathname.slice('/'.length))
  if (path === null) throw new ResourceNotFoundError(href)
  const isFolder = path === '' || path.endsWith('/')
  const content = isFolder
    ? await answering(href, async () => folderContent(await files.list(path || '.')))
    : await answering(href, async () =>
        fileContent(path, await files.read(path, { maxBytes: MAX_BYTES })),
      )
  return { contents: [{ uri: href, ...content }] }
}

function folderContent(entries: readonly FileEntry[]) {
  const shown = entries.slice(0, MAX_ENTRIES).map((entry) => ({ ...entry, uri: uriOf(entry) }))
  const leftOut = entries.length - shown.length
  const listing = { entries: shown, ...(leftOut === 0 ? {} : { left_out: leftOut }) }
  return { mimeType: JSON_TYPE, text: JSON.stringify(listing) }
}

function fileContent(path: string, bytes: Uint8Array) {
  const type = mimeType(path)
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (TEXT_TYPE.test(type) && isUtf8(buffer)) {
    const text = buffer.toString('utf8')
    if (JSON.stringify(text).length <= MAX_JSON) return { mimeType: type, text }
  }
  return { mimeType: type, blob: buffer.toString('base64') }
}

function decoded(path: string): string | null {
  try {
    return decodeURIComponent(path)
  } catch {
    return null
  }
}

/** What the toolset says of files, by its codes: a program may have its classes twice. */
const FILE_ERRORS: readonly ErrorCode[] = ['OUTSIDE_WORKDIR', 'FILE', 'INVALID_OPTION']

/** Gives what the toolset says of files a code of the protocol. */
async function answering<T>(uri: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation()
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error
    if (error.code === 'NO_FILE') throw new ResourceNotFoundError(uri)
    if (!FILE_ERRORS.some((code) => code === error.code)) throw error
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, error.message)
  }
}
