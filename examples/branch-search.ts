/**
 * A search over models: the data are loaded once, and each model is fitted in a branch of that
 * session, all at the same time. The best branch goes on; the others are deleted.
 *
 * The data are 1,797 handwritten digits of 8 by 8 pixels, which come with scikit-learn
 * (sklearn.datasets.load_digits): by E. Alpaydin and C. Kaynak, from the UCI
 * Machine Learning Repository.
 */
import { PythonInterpreterToolSet, type RunResult } from 'python-interpreter-toolset'

const LOAD = `
import numpy as np
from scipy import ndimage
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

digits = load_digits()
train, rest, train_labels, rest_labels = train_test_split(
    digits.images, digits.target, train_size=1000, random_state=0)
check, unseen, check_labels, unseen_labels = train_test_split(
    rest, rest_labels, test_size=200, random_state=0)

# Each digit also turned a little to both sides, and moved a little.
turned = [ndimage.rotate(train, angle, (1, 2), reshape=False, order=1) for angle in (-12, 12)]
moved = [ndimage.shift(train, (0, 0, pixels), order=1) for pixels in (-1, 1)]
images = np.concatenate([train, *turned, *moved])
labels = np.tile(train_labels, 5)

def flat(images):
    return images.reshape(len(images), -1) / 16

print(f'{len(images)} digits to learn from, {len(check)} to score with, {len(unseen)} for the end')`

const MODELS = {
  'nearest neighbours': `
from sklearn.neighbors import KNeighborsClassifier
model = KNeighborsClassifier()`,
  'support vectors': `
from sklearn.svm import SVC
model = SVC()`,
  'random forest': `
from sklearn.ensemble import RandomForestClassifier
model = RandomForestClassifier(60, random_state=0)`,
  'gradient boosting': `
from sklearn.ensemble import HistGradientBoostingClassifier
model = HistGradientBoostingClassifier(max_iter=12, random_state=0)`,
  'logistic regression': `
from sklearn.linear_model import LogisticRegression
model = LogisticRegression(max_iter=1000)`,
}

const FIT = `
model.fit(flat(images), labels)
score = model.score(flat(check), check_labels)`

const PREDICT = `
guesses = model.predict(flat(unseen))
right = (guesses == unseen_labels).sum()
print(f'{right} of {len(unseen)} digits that no model has seen are recognised. The first of them')
for row in unseen[0]:
    print('   ', ''.join(' .:*#'[int(pixel) // 4] * 2 for pixel in row))
print(f'is taken for a {guesses[0]}, and is a {unseen_labels[0]}.')`

// The branches are what runs in parallel here: with one thread each, none is in another's way.
const env = { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' }
await using python = new PythonInterpreterToolSet({ python: '.venv', env })

console.log('Which model reads handwritten digits best?')

console.log('\n1. Load the data once, and make a checkpoint')
const loaded = await run(LOAD)
await python.checkpoint({ name: 'data' })
note(loaded.stdout)
note(`This took ${seconds(loaded.duration_ms)}.`)
const reloadMs = await timeToLoadAgain()
note(`Once more, in an interpreter that is no branch, it took ${seconds(reloadMs)}.`)

const count = Object.keys(MODELS).length
console.log(`\n2. Make ${count} branches of the checkpoint, each with the data in it`)
const branchesAskedAt = performance.now()
const branches = await Promise.all(Object.entries(MODELS).map(makeBranch))
const branchesMs = performance.now() - branchesAskedAt
note(`This took ${seconds(branchesMs)} for all. To load the data in each would be`)
note(`${count} times ${seconds(reloadMs)} of work: ${seconds(count * reloadMs)}.`)

console.log('\n3. Fit and score one model in each branch, all in parallel')
const fitsAskedAt = performance.now()
const trials = await Promise.all(branches.map(fit))
const fitsMs = performance.now() - fitsAskedAt
trials.sort((a, b) => b.score - a.score)
note(row('', 'score', 'took', 'with the data loaded again'))
for (const { name, score, tookMs } of trials) {
  note(row(name, `${(score * 100).toFixed(1)} %`, seconds(tookMs), seconds(tookMs + reloadMs)))
}
note(
  `All were ready after ${seconds(fitsMs)}. The last column adds the ${seconds(reloadMs)} of loading.`,
)

const [best, ...others] = trials
if (best === undefined) throw new Error('There is no model.')
console.log(`\n4. Delete the other branches, and go on with the best: ${best.name}`)
for (const { interpreter_id } of others) {
  await python.manageInterpreters({ operation: 'delete', interpreter_id })
}
await python.dropCheckpoint({ checkpoint: 'data' })
note((await run(PREDICT, best.interpreter_id)).stdout)

interface Branch {
  readonly name: string
  readonly code: string
  readonly interpreter_id: string
}

async function makeBranch([name, code]: readonly [string, string]): Promise<Branch> {
  const { interpreter_id } = await python.branch({ checkpoint: 'data' })
  return { name, code, interpreter_id }
}

async function fit({ name, code, interpreter_id }: Branch) {
  const { result, duration_ms } = await run(code + FIT, interpreter_id, 'score')
  return { name, interpreter_id, score: Number(result), tookMs: duration_ms }
}

/** Answers how long it takes to have the data in one more interpreter without a branch, in ms. */
async function timeToLoadAgain(): Promise<number> {
  const askedAt = performance.now()
  const created = await python.manageInterpreters({ operation: 'create' })
  if (!created.success) throw new Error(created.error)
  await run(LOAD, created.interpreter_id)
  const tookMs = performance.now() - askedAt
  await python.manageInterpreters({ operation: 'delete', interpreter_id: created.interpreter_id })
  return tookMs
}

async function run(code: string, interpreter_id?: string, variable?: string): Promise<RunResult> {
  const result = await python.runPythonCode(code, { interpreter_id, result_var_name: variable })
  if (!result.success) throw new Error(result.error.traceback)
  return result
}

function row(name: string, score: string, took: string, withLoading: string): string {
  return name.padEnd(20) + score.padStart(7) + took.padStart(9) + withLoading.padStart(29)
}

function note(text: string): void {
  console.log(text.trimEnd().replace(/^/gm, '   '))
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`
}
