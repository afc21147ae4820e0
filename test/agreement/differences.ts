/** What came of one cell, on either side. */
export interface Outcome {
  /** Standard output, with the echoed value in its place; addresses are left out. */
  stdout: string
  errorName: string | null
  figures: number
  /** The texts of what was displayed and is neither an echoed value nor a picture. */
  displays: string[]
}

/** A cell whose outcome is not that of ipykernel, why, and what is different on our side. */
export interface Difference {
  kind: string
  title: string
  reason: string
  ours: Partial<Outcome>
}

const PRETTY =
  'IPython pretty-prints an echoed value; we show its repr(), as the Python prompt does.'
const LONG =
  'IPython breaks a container of more than 79 characters over several lines; we show its repr().'
const WHOLE =
  'IPython compiles and runs a cell statement by statement; we compile all of it first, as Python does a file.'
const TRANSFORMED = 'IPython rewrites a cell before it compiles it; we run what was given.'
const EXIT = 'sys.exit() without a status or with status 0 is success here, as it is for a script.'
const COMPILED_THRICE =
  'IPython compiles a cell three times, so that a SyntaxWarning shows three times.'
const NO_AXES =
  'A figure without axes has nothing to show; ipykernel shows its repr() in its place.'
const EXPANSION =
  'IPython expands nothing in a command that has a format, or a variable of the shell; we do.'
const DISPLAYED =
  'What is displayed is an output of its own in both; here its text is in stdout, too.'
const LOOP_SLEEPS = 'Our event loop runs only while a run awaits; that of ipykernel always runs.'

const numbers = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, index) => from + index).join(', ')

/** Every cell that may differ. One that does not, or not in this way, fails the test. */
export const differences: Difference[] = [
  // statements
  {
    kind: 'statements',
    title: 'a future import after another statement',
    reason: WHOLE,
    ours: { stdout: '', errorName: 'SyntaxError' },
  },
  {
    kind: 'statements',
    title: 'a global declaration after the assignment',
    reason: WHOLE,
    ours: { stdout: '', errorName: 'SyntaxError' },
  },
  {
    kind: 'statements',
    title: 'leading blank lines',
    reason: 'IPython drops leading blank lines and counts the others from 1; we count all.',
    ours: { stdout: '3\n' },
  },
  {
    kind: 'statements',
    title: 'pasted code, indented as a whole',
    reason: TRANSFORMED,
    ours: { stdout: '', errorName: 'IndentationError' },
  },
  {
    kind: 'statements',
    title: 'pasted code with prompts',
    reason: TRANSFORMED,
    ours: { stdout: '', errorName: 'SyntaxError' },
  },

  // expressions
  {
    kind: 'expressions',
    title: 'defaultdict',
    reason: PRETTY,
    ours: { stdout: "defaultdict(<class 'list'>, {'k': [1]})\n" },
  },
  {
    kind: 'expressions',
    title: 'a user class without a repr',
    reason: PRETTY,
    ours: { stdout: '<__main__.Plain object at 0x…>\n' },
  },
  {
    kind: 'expressions',
    title: 'a bare object in a list',
    reason: PRETTY,
    ours: { stdout: '[<object object at 0x…>]\n' },
  },
  {
    kind: 'expressions',
    title: 'an exception of the session as a value',
    reason: PRETTY,
    ours: { stdout: "OwnError('mine')\n" },
  },
  {
    kind: 'expressions',
    title: 'a built-in class',
    reason: PRETTY,
    ours: { stdout: "<class 'int'>\n" },
  },
  {
    kind: 'expressions',
    title: 'a class in a container',
    reason: PRETTY,
    ours: { stdout: "{'type': <class 'str'>}\n" },
  },
  {
    kind: 'expressions',
    title: 'a class of the session',
    reason: PRETTY,
    ours: { stdout: "<class '__main__.Item'>\n" },
  },
  {
    kind: 'expressions',
    title: 'a function of the session',
    reason: PRETTY,
    ours: { stdout: '<function f at 0x…>\n' },
  },
  {
    kind: 'expressions',
    title: 'a lambda',
    reason: PRETTY,
    ours: { stdout: '<function <lambda> at 0x…>\n' },
  },
  {
    kind: 'expressions',
    title: 'a built-in function',
    reason: PRETTY,
    ours: { stdout: '<built-in function len>\n' },
  },
  {
    kind: 'expressions',
    title: 'a bound method',
    reason: PRETTY,
    ours: { stdout: '<built-in method upper of str object at 0x…>\n' },
  },
  {
    kind: 'expressions',
    title: 'compiled pattern',
    reason: PRETTY,
    ours: { stdout: "re.compile('a+b')\n" },
  },
  {
    kind: 'expressions',
    title: 'a set that pretty printing sorts',
    reason: 'IPython sorts an echoed set; repr() has it in the order of its hashes.',
    ours: { stdout: '{8, 1, 20, 30}\n' },
  },
  {
    kind: 'expressions',
    title: 'a long list',
    reason: LONG,
    ours: { stdout: `[${numbers(100, 130)}]\n` },
  },
  {
    kind: 'expressions',
    title: 'a long dictionary',
    reason: LONG,
    ours: {
      stdout: `{${[0, 1, 2, 3, 4, 5].map((n) => `'key number ${n}': ${n ** 3}`).join(', ')}}\n`,
    },
  },
  {
    kind: 'expressions',
    title: 'a list of long lists',
    reason: LONG,
    ours: { stdout: `[[${numbers(0, 20)}], [${numbers(20, 40)}]]\n` },
  },
  {
    kind: 'expressions',
    title: 'more than a thousand items',
    reason: 'IPython shows the first thousand items of a container; we show its repr().',
    ours: { stdout: `[${Array(1100).fill(0).join(', ')}]\n` },
  },

  // displays
  {
    kind: 'displays',
    title: 'progress with carriage returns',
    reason: 'What is written over is told as progress; the text is as a terminal leaves it.',
    ours: { stdout: 'ready\n' },
  },
  {
    kind: 'displays',
    title: 'a class with a pretty representation',
    reason: PRETTY,
    ours: { stdout: 'plain\n' },
  },
  {
    kind: 'displays',
    title: 'a list of wide arrays',
    reason: LONG,
    ours: {
      stdout:
        '[array([    0,  1000,  2000,  3000,  4000,  5000,  6000,  7000,  8000,\n' +
        '        9000, 10000, 11000]), ' +
        'array([    0,  1001,  2002,  3003,  4004,  5005,  6006,  7007,  8008,\n' +
        '        9009, 10010, 11011])]\n',
    },
  },
  {
    kind: 'displays',
    title: 'a frame in a list',
    reason: 'IPython indents the further lines of an item in a container; we show its repr().',
    ours: { stdout: '[   n\n0  1, 2]\n' },
  },
  {
    kind: 'displays',
    title: 'a lone surrogate printed',
    reason: 'ipykernel loses text with a lone surrogate; we show the surrogate escaped.',
    ours: { stdout: String.raw`before \ud800 after` + '\n' },
  },
  {
    kind: 'displays',
    title: 'bytes to the buffer of standard output',
    reason: 'The standard output of ipykernel has no buffer; ours is a real text stream.',
    ours: { stdout: 'bytes\n6\n', errorName: null },
  },
  {
    kind: 'displays',
    title: 'the display function of notebooks',
    reason: DISPLAYED,
    ours: { stdout: "'displayed'\n[1]\n" },
  },
  {
    kind: 'displays',
    title: 'a display with formats and a handle',
    reason: DISPLAYED,
    ours: { stdout: 'html()\nTrue True\n' },
  },
  {
    kind: 'displays',
    title: 'a value that displays itself',
    reason: DISPLAYED,
    ours: { stdout: "('by', 'itself')\n" },
  },

  // errors
  {
    kind: 'errors',
    title: 'an exception without a text',
    reason:
      'ipykernel reports the error that str() of the exception raised; we report the exception.',
    ours: { errorName: 'Textless' },
  },
  { kind: 'errors', title: 'exit without a status', reason: EXIT, ours: { errorName: null } },
  {
    kind: 'errors',
    title: 'exit inside a function that cleans up',
    reason: EXIT,
    ours: { errorName: null },
  },
  {
    kind: 'errors',
    title: 'input is not available',
    reason:
      'Nobody can answer on either side; the error has another name, and is an EOFError here.',
    ours: { errorName: 'InputError' },
  },
  {
    kind: 'errors',
    title: 'a statement that does not compile, after others that do',
    reason: WHOLE,
    ours: { stdout: '' },
  },

  // tracebacks
  {
    kind: 'tracebacks',
    title: 'the file name of a cell',
    reason: 'ipykernel names a cell by a file in a temporary folder; we name it by its run.',
    ours: { stdout: 'False\n' },
  },

  // figures
  {
    kind: 'figures',
    title: 'an open figure is the last value',
    reason:
      'ipykernel shows it twice, as the value and as an open figure; we capture a figure once.',
    ours: { figures: 1 },
  },
  { kind: 'figures', title: 'a figure without axes', reason: NO_AXES, ours: { displays: [] } },
  {
    kind: 'figures',
    title: 'a figure whose axes were cleared',
    reason: NO_AXES,
    ours: { displays: [] },
  },
  {
    kind: 'figures',
    title: 'interactive mode off',
    reason: 'ipykernel keeps a figure made after ioff() to itself; we capture every open figure.',
    ours: { figures: 1 },
  },
  {
    kind: 'figures',
    title: 'a list of lines as the value',
    reason: PRETTY,
    ours: { stdout: '[<matplotlib.lines.Line2D object at 0x…>]\n' },
  },

  // warnings
  {
    kind: 'warnings',
    title: 'a syntax warning of the compiler: is with a literal',
    reason: COMPILED_THRICE,
    ours: { stdout: 'SyntaxWarning at 1: "is" with a literal. Did you mean "=="?\nTrue\n' },
  },
  {
    kind: 'warnings',
    title: 'a syntax warning: calling a tuple',
    reason: COMPILED_THRICE,
    ours: {
      stdout: "SyntaxWarning at 2: 'tuple' object is not callable; perhaps you missed a comma?\n",
    },
  },
  {
    kind: 'warnings',
    title: 'an assertion on a tuple',
    reason: COMPILED_THRICE,
    ours: {
      stdout: 'SyntaxWarning at 1: assertion is always true, perhaps remove parentheses?\n',
    },
  },

  // async
  {
    kind: 'async',
    title: 'async for with else and break',
    reason: `${LOOP_SLEEPS} The generator left behind is closed when the next run awaits.`,
    ours: { stdout: '1\n' },
  },
  {
    kind: 'async',
    title: 'asyncio.run in a cell',
    reason: 'In ipykernel a loop is running already; here asyncio.run() works, as in a script.',
    ours: { stdout: '6\n', errorName: null },
  },
  {
    kind: 'async',
    title: 'the running loop in a cell without await',
    reason: LOOP_SLEEPS,
    ours: { stdout: '', errorName: 'RuntimeError' },
  },

  // notebook
  {
    kind: 'notebook',
    title: 'an expression with a format',
    reason: EXPANSION,
    ours: { stdout: '0.67 0.6666666666666666\n' },
  },
  {
    kind: 'notebook',
    title: 'a variable of the shell beside one of Python',
    reason: EXPANSION,
    ours: { stdout: 'python shell\n' },
  },
  {
    kind: 'notebook',
    title: 'a question',
    reason: 'IPython answers questions in a pager; we print the answer.',
    ours: {
      stdout: 'Signature: tell_more()\nDocstring: Tell more.\nFile: <run 9>\nType: function\n',
    },
  },
  {
    kind: 'notebook',
    title: 'captured output is shown again',
    reason: 'IPython shows a captured value as a display; we show it as the value that it is.',
    ours: { stdout: "again:\nwritten\nprinted\n'shown'\n", displays: [] },
  },
  {
    kind: 'notebook',
    title: 'a magic that is not known',
    reason: WHOLE,
    ours: { stdout: '', errorName: 'SyntaxError' },
  },
  {
    kind: 'notebook',
    title: 'a magic of cells that is not known',
    reason: WHOLE,
    ours: { errorName: 'SyntaxError' },
  },
  {
    kind: 'notebook',
    title: 'an await that is timed',
    reason: 'IPython compiles what %time is given without await; we let it await.',
    ours: { errorName: null },
  },
  {
    kind: 'notebook',
    title: 'what was awaited',
    reason: 'The await before worked here.',
    ours: { stdout: "'SLEPTslept'\n", errorName: null },
  },
]
