/** Pieces of Python that several tests run. */

/** Starts a process that leaves session and process group, and prints its pid. */
export function daemon(environment: 'inherited' | 'empty' = 'inherited'): string {
  const execute =
    environment === 'inherited'
      ? `os.execvp('sleep', ['sleep', '100'])`
      : `os.execve('/bin/sleep', ['sleep', '100'], {})`
  return [
    'import os',
    'reading, writing = os.pipe()',
    'if os.fork() == 0:',
    '    os.setsid()',
    '    if os.fork() == 0:',
    '        os.write(writing, str(os.getpid()).encode())',
    '        os.closerange(0, 256)',
    `        ${execute}`,
    '    os._exit(0)',
    'print(os.read(reading, 20).decode())',
  ].join('\n')
}

/** Creates the file, so that a test knows that the code runs. */
export function tell(file: string): string {
  return `open(${JSON.stringify(file)}, 'w').close()`
}

/** Waits until a test has created the file. */
export function waitFor(file: string): string {
  return `import os, time\nwhile not os.path.exists(${JSON.stringify(file)}): time.sleep(0.01)`
}
