/**
 * Text of one stream as a terminal would leave it: what progress bars write over, by carriage returns
 * and by moving the cursor up, is not text but progress.
 */

/** What a piece of text amounts to. */
export interface Written {
  /** Lines that nothing can change any more, and a last one without an end if the text is over. */
  readonly lines: string
  /** What can be shown of the text at once. It begins with `\r` if it replaces the line begun. */
  readonly shown: string
  /** What a terminal shows instead of all that is not `shown`; null if it is all shown. */
  readonly progress: string | null
}

const CONTROL = /\r?\n|\r|\x1b\[(\d*)A|\x1b\[([02]?)K/g // eslint-disable-line no-control-regex
/** What begins to write over the text before it. */
const REWRITES = /\r(?!\n)|\x1b\[\d*A/ // eslint-disable-line no-control-regex
/** What may go on in the next piece: a line's end, or a control sequence. */
const INCOMPLETE = /(?:\r|\x1b(?:\[\d{0,4})?)$/ // eslint-disable-line no-control-regex
/** Characters of a line without an end, and lines that progress bars take, that can still change. */
const MAX_LINE = 10_000
const MAX_ROWS = 50

type Commit = (lines: string) => void

/** Keeps the lines that can still change. */
export class TerminalText {
  /** More than one only if the cursor goes up. */
  #rows = ['']
  #row = 0
  #column = 0
  /** Whether something is written over, so that nothing of it is shown before it is final. */
  #rewriting = false
  #goesUp = false
  /** Whether the cursor was sent to the beginning of its line, rather than came there by its end. */
  #returned = false
  /** Whether a beginning of the line has been shown already. */
  #begun = false
  /** The end of a piece that says nothing without what follows. */
  #carried = ''

  /** What is not among the lines yet. */
  get pending(): string {
    // Bars write over longer ones with spaces.
    return this.#rewriting
      ? this.#rows.map((row) => row.trimEnd()).join('\n')
      : this.#rows.join('\n')
  }

  write(piece: string): Written {
    const text = this.#carried + piece
    this.#carried = INCOMPLETE.exec(text)?.[0] ?? ''
    const whole = text.slice(0, text.length - this.#carried.length)
    if (this.#rewriting) return this.#writeOver(whole)
    const at = whole.search(REWRITES)
    if (at === -1) return this.#writePlainly(whole)
    const first = this.#writePlainly(whole.slice(0, at))
    const rest = this.#writeOver(whole.slice(at))
    return { ...rest, lines: first.lines + rest.lines, shown: first.shown + rest.shown }
  }

  /** What is left when nothing follows. */
  end(): Written {
    const left = this.#carried === '\r' ? '' : this.#carried
    const lines = this.pending + left
    const shown = this.#rewriting ? this.#replacing(lines) : left
    this.#startLine('')
    this.#carried = ''
    return { lines, shown, progress: null }
  }

  #writePlainly(text: string): Written {
    const line = (this.#rows[0] ?? '') + text
    const end = line.lastIndexOf('\n') + 1
    const cut = line.length - end > MAX_LINE ? line.length : end
    this.#startLine(line.slice(cut))
    this.#begun = line.length > cut
    return { lines: line.slice(0, cut), shown: text, progress: null }
  }

  #writeOver(text: string): Written {
    let lines = ''
    let shown = ''
    const commit: Commit = (final) => {
      lines += final
      shown += this.#replacing(final)
    }
    let from = 0
    for (const control of text.matchAll(CONTROL)) {
      this.#put(text.slice(from, control.index), commit)
      from = control.index + control[0].length
      this.#obey(control, commit)
    }
    this.#put(text.slice(from), commit)
    if (this.#rewriting) return { lines, shown, progress: this.pending }
    this.#begun = this.pending !== ''
    return { lines, shown: shown + this.pending, progress: null }
  }

  /** Writes text without control characters at the cursor. */
  #put(text: string, commit: Commit): void {
    if (text === '') return
    const isNewRow = this.#row === this.#rows.length - 1 && this.#rows[this.#row] === ''
    // Bars begin their lines with a carriage return: this is ordinary text after them.
    if (this.#row > 0 && isNewRow && !this.#returned) this.#finish(commit)
    const row = this.#rows[this.#row] ?? ''
    const before = upTo(row, this.#column).padEnd(this.#column)
    this.#rows[this.#row] = before + text + from(row, this.#column + text.length)
    this.#column += text.length
    if (this.#column <= MAX_LINE) return
    commit(this.pending)
    this.#startLine('')
  }

  #obey([control, up, erase]: RegExpExecArray, commit: Commit): void {
    if (control.endsWith('\n')) this.#newLine(commit)
    else if (control === '\r') {
      this.#column = 0
      this.#rewriting = this.#returned = true
    } else if (up !== undefined) {
      this.#row = Math.max(0, this.#row - (Number(up) || 1))
      this.#rewriting = this.#goesUp = true
    } else {
      const row = this.#rows[this.#row] ?? ''
      this.#rows[this.#row] = erase === '2' ? '' : upTo(row, this.#column)
    }
  }

  #newLine(commit: Commit): void {
    this.#row += 1
    this.#column = 0
    this.#returned = false
    if (this.#row < this.#rows.length) return
    this.#rows.push('')
    if (!this.#goesUp || this.#rows.length > MAX_ROWS) this.#finish(commit)
  }

  /** Has done with all rows but the last, which is new. */
  #finish(commit: Commit): void {
    const last = this.#rows.pop() ?? ''
    commit(`${this.pending}\n`)
    this.#startLine(last)
  }

  #startLine(line: string): void {
    this.#rows = [line]
    this.#row = 0
    this.#column = line.length
    this.#rewriting = this.#goesUp = this.#returned = this.#begun = false
  }

  #replacing(lines: string): string {
    return this.#begun ? `\r${lines}` : lines
  }
}

/** A row before a column; a space is left of a character that is cut through, as on a terminal. */
function upTo(row: string, column: number): string {
  return row.slice(0, column).replace(/[\ud800-\udbff]$/, ' ')
}

/** A row from a column on. */
function from(row: string, column: number): string {
  return row.slice(column).replace(/^[\udc00-\udfff]/, ' ')
}
