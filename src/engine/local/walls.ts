/**
 * The walls of an engine's sandboxed sessions: each session's are built around a keeper of its own, by
 * bubblewrap or, in milliseconds, by a template that is inside of walls itself.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { v4 as uuid } from 'uuid'
import { z } from 'zod'
import { wallsError } from '../../environment/bubblewrap.js'
import { EngineError } from '../../errors.js'
import { inTime } from './in-time.js'
import { Keeper, type KeeperLink } from './keeper.js'
import { keeperScript } from './python-package.js'
import {
  HOME,
  keptPaths,
  SESSION_BYTES,
  SESSION_FOLDER,
  SETTINGS,
  TEMPORARY_BYTES,
  templateWallCommand,
  wallCommand,
  type Inside,
} from './sandbox.js'
import { NOT_READY, Templates, type TemplateFor, type TemplateState } from './templates.js'

const FORK_TIMEOUT_MS = 5_000

/** The socket in the private folder on which Node listens to keepers that were forked. */
const SOCKET = 'walls'

const greeting = z.object({ event: z.literal('wall'), id: z.string(), secret: z.string() })

/** A keeper that was forked, and has said who it is. */
interface Caller {
  readonly socket: Socket
  readonly lines: Interface
}

/** A template inside of walls, for sessions with the same view of the files. */
interface House {
  readonly keeper: Keeper
  readonly templates: Templates
}

/** Builds the walls of one engine's sandboxed sessions, and ends what is inside of them. */
export class Walls {
  /** The engine's private folder. */
  readonly #folder: string
  /** The socket in it to which workers connect. */
  readonly #channel: string
  readonly #keepers = new Set<Keeper>()
  readonly #houses = new Map<string, Promise<House>>()
  /** Keepers that are to call, by what they say. */
  readonly #expected = new Map<string, (caller: Caller) => void>()
  #server: Promise<Server> | null = null

  constructor(folder: string, channel: string) {
    this.#folder = folder
    this.#channel = channel
  }

  /** Builds walls by bubblewrap, with a new keeper in them. */
  async build(inside: Inside): Promise<Keeper> {
    return this.#start(inside.python, wallCommand(inside, this.#channel))
  }

  /** What of templates for such sessions can be used at once. */
  async now(inside: Inside, wanted: TemplateFor): Promise<TemplateState> {
    const house = await this.#houses.get(keyOf(inside))
    return house?.templates.now(this.#walled(inside, wanted)) ?? NOT_READY
  }

  /** Makes the template for such sessions unless there is one. */
  async warm(inside: Inside, wanted: TemplateFor): Promise<TemplateState> {
    const { templates } = await this.#house(inside)
    return templates.warm(this.#walled(inside, wanted))
  }

  /** Has a template fork walls, with their keeper and a process that waits to become a worker. */
  async fork(inside: Inside, template: string): Promise<Keeper> {
    const { keeper } = await this.#house(inside)
    const [id, secret] = [uuid(), uuid()]
    try {
      const called = new Promise<Caller>((resolve) => this.#expected.set(secret, resolve))
      let onExited: () => void = () => undefined
      const exited = new Promise<void>((resolve) => (onExited = resolve))
      const died = exited.then(() => {
        throw new EngineError('What was to keep a session has ended.')
      })
      died.catch(() => undefined)
      const forked = keeper.forkWall({ id, secret }, template, onExited)
      const both = Promise.race([Promise.all([forked, called]), died])
      const late = () => new EngineError(`There were no walls within ${FORK_TIMEOUT_MS} ms.`)
      const [pid, caller] = await inTime(both, FORK_TIMEOUT_MS, late)
      const kill = () => keeper.kill(id)
      const wall = new Keeper(linkTo(caller, pid, exited, kill), SESSION_FOLDER, true)
      this.#add(wall)
      return wall
    } catch (error) {
      keeper.kill(id)
      throw error
    } finally {
      this.#expected.delete(secret)
    }
  }

  /** Ends all, with what is inside. */
  async close(): Promise<void> {
    const keepers = [...this.#keepers]
    for (const keeper of keepers) keeper.close()
    await Promise.all(keepers.map((keeper) => keeper.ended))
    const server = await this.#server?.catch(() => null)
    server?.close()
  }

  #walled(inside: Inside, wanted: TemplateFor): TemplateFor {
    const kept = [...keptPaths(inside), this.#channel]
    const socket = join(this.#folder, SOCKET)
    const temporary = { bytes: TEMPORARY_BYTES, home: HOME }
    const session = { folder: SESSION_FOLDER, bytes: SESSION_BYTES }
    const own = { temporary, session, settings: SETTINGS }
    return { ...wanted, walls: { private: this.#folder, kept, ...own, socket } }
  }

  async #house(inside: Inside): Promise<House> {
    await (this.#server ??= this.#listen())
    const key = keyOf(inside)
    const known = this.#houses.get(key)
    if (known !== undefined) return known
    const command = templateWallCommand(inside, this.#folder)
    const house = this.#start(inside.python, command).then((keeper) => {
      return { keeper, templates: new Templates(keeper) }
    })
    this.#houses.set(key, house)
    // Nobody else forgets it, so that there is never more than one.
    const forget = () => this.#houses.delete(key)
    void house.then(({ keeper }) => keeper.ended).then(forget, forget)
    return house
  }

  async #start(python: string, command: readonly string[]): Promise<Keeper> {
    const keeper = Keeper.start(python, keeperScript, SESSION_FOLDER, command)
    this.#add(keeper)
    await keeper.ready.catch((error: unknown) => {
      throw wallsError(error instanceof Error ? error.message : String(error))
    })
    return keeper
  }

  #add(keeper: Keeper): void {
    this.#keepers.add(keeper)
    void keeper.ended.then(() => this.#keepers.delete(keeper))
  }

  #listen(): Promise<Server> {
    const server = createServer((socket) => {
      const lines = createInterface({ input: socket })
      // How its keeper ended says more.
      socket.on('error', () => undefined)
      lines.on('error', () => undefined)
      lines.once('line', (line) => {
        const said = greeting.safeParse(parsed(line))
        const expected = said.success ? this.#expected.get(said.data.secret) : undefined
        if (expected === undefined) socket.destroy()
        else expected({ socket, lines })
      })
    })
    server.unref()
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(join(this.#folder, SOCKET), () => resolve(server))
    })
  }
}

/** What those have in common who can be forked from one template. */
function keyOf({ python, pyzmqPath, workdir, sandbox }: Inside): string {
  return JSON.stringify([python, pyzmqPath, workdir, sandbox])
}

function linkTo(
  { socket, lines }: Caller,
  pid: number,
  exited: Promise<void>,
  kill: () => void,
): KeeperLink {
  socket.unref()
  let isWanted = true
  return {
    name: 'What keeps a sandboxed session',
    input: socket,
    lines,
    ended: exited.then(() => (isWanted ? 'it ended' : '')),
    trouble: () => '',
    ref: () => {
      isWanted = false
      socket.ref()
    },
    kill,
    pid: () => pid,
    deep: 2,
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}
