/**
 * What the sessions of a campaign hold, in Python. All of it is the same after the same number of
 * steps, in whichever process: that is how the campaign knows what a restored one must hold.
 */

/** What a session holds beside the plain values that all of them have. */
export type Profile = 'values' | 'science' | 'resources' | 'big'

const VALUES = `
import hashlib, inspect, json, os, random, tempfile

def digest(value):
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]

def count_by_three():
    n = 0
    while True:
        yield n
        n += 3

random.seed(7)
table = {'count': 0, 'history': []}
numbers = count_by_three()
next(numbers)
with open('lines.txt', 'w') as file:
    file.writelines(f'line {n}\\n' for n in range(2000))
lines = open('lines.txt')
log = open('log.txt', 'w')
folder = tempfile.TemporaryDirectory(dir='.')
with open(folder.name + '/file', 'w') as file:
    file.write('here')

def step_values():
    table['count'] += 1
    table['history'].append(random.random())
    next(numbers)
    lines.readline()
    log.write(f'{table["count"]}\\n')

def look_at_values():
    with open('log.txt') as file:
        written = file.read(log.tell())
    return {
        'count': table['count'],
        'history': digest(table['history']),
        'random': digest(random.getstate()),
        'generator': inspect.getgeneratorlocals(numbers),
        'line': lines.tell(),
        'log': digest(written),
        'folder': open(folder.name + '/file').read(),
    }

steps, looks = [step_values], [look_at_values]

def resources():
    return 'none'

def look():
    seen = {}
    for one in looks:
        seen.update(one())
    return json.dumps({'values': seen, 'resources': resources()})

def step():
    answer_before = resources()
    for one in steps:
        one()
    return json.dumps({**json.loads(look()), 'resources': answer_before})

def spoil():
    for _ in range(3):
        step_values()
    table.clear()
    random.seed(99)
    os.chdir('/')
`

const SCIENCE = `
import numpy as np, pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

np.random.seed(7)
rng = np.random.default_rng(7)
frame = pd.DataFrame({'a': np.arange(50.0), 'b': 0.0})
X = rng.random((200, 4))
model = HistGradientBoostingClassifier(max_iter=3).fit(X, X[:, 0] > 0.5)

def step_science():
    frame.loc[len(frame)] = [np.random.rand(), 1.0]
    frame['b'] += rng.random()

def look_at_science():
    return {
        'frame': digest(frame.to_numpy().tobytes()),
        'numpy.random': digest(np.random.get_state()[1].tobytes()) + str(np.random.get_state()[2]),
        'rng': digest(rng.bit_generator.state),
        'model': digest(model.predict_proba(X).round(9).tolist()),
    }

steps.append(step_science)
looks.append(look_at_science)
`

const RESOURCES = `
import socket, subprocess, threading, time

def compute():
    while True:
        sum(range(2000))
        time.sleep(0.002)

def open_resources():
    global child, server, threads
    # An interrupt reaches the whole process group.
    command = ['sh', '-c', 'trap "" INT; exec cat']
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    server = socket.create_server(('127.0.0.1', 0))
    targets = [compute, lambda: time.sleep(10_000)]
    threads = [threading.Thread(target=target, daemon=True) for target in targets]
    for thread in threads:
        thread.start()

def does_child_answer():
    try:
        child.stdin.write(b'x\\n')
        child.stdin.flush()
        return child.stdout.readline() == b'x\\n'
    except OSError:
        return False

def does_server_accept():
    try:
        with socket.create_connection(server.getsockname(), timeout=10):
            server.accept()[0].close()
        return True
    except (OSError, TypeError, ValueError):
        return False

def resources():
    alive = [does_child_answer(), does_server_accept(), *(thread.is_alive() for thread in threads)]
    return 'alive' if all(alive) else 'dead' if not any(alive) else f'some: {alive}'

def renew_resources():
    if resources() == 'dead':
        open_resources()

open_resources()
steps.append(renew_resources)
`

const BIG = `
import numpy as np

big = np.zeros(25_000_000)

def step_big():
    global big
    big += 1

def look_at_big():
    return {'big': [float(big[0]), float(big[-1]), float(big.sum())]}

steps.append(step_big)
looks.append(look_at_big)
`

const MORE: Record<Profile, string> = {
  values: '',
  science: SCIENCE,
  resources: RESOURCES,
  big: BIG,
}

/** Makes all that a session holds, and prints what it looks like. */
export function setUp(profile: Profile): string {
  return `${VALUES}${MORE[profile]}\nprint(look())`
}

/** Changes all values, and prints what they look like then; nothing where there are none. */
export const STEP = `if 'step' in globals(): print(step())`

/** Prints what all values look like; nothing where there are none. */
export const LOOK = `if 'look' in globals(): print(look())`

/** What a look prints. */
export interface Look {
  /** The same in each session after as many steps. */
  readonly values: Readonly<Record<string, unknown>>
  /** What the process alone has: not there after a restore, until the next step. */
  readonly resources: string
}
