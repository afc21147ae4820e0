/** A tool as a Python function: its signature and docstring, made of its JSON Schema. */
import type { HostFunction } from '../engine/engine.js'
import { InvalidOptionError } from '../errors.js'

/** What is read of a JSON Schema; anything else in it does not show in the signature. */
export interface JsonSchema {
  readonly [key: string]: unknown
}

/** Longer ones say more than a signature can. */
const MOST_CHOICES = 20
const MAX_DEPTH = 3

/**
 * Describes the function `name` whose parameters are the properties of `schema`, those that must be
 * given first. Names that Python cannot have as such are changed.
 *
 * @throws InvalidOptionError for a name that code could not call, or would miss
 */
export function hostFunction(
  name: string,
  description: string,
  schema: JsonSchema,
  answer: JsonSchema | null,
): HostFunction {
  requireName(name)
  const parameters = parametersOf(schema)
  const list = parameters.map(({ text }) => text).join(', ')
  const signature = `def ${name}(${list}) -> ${answer === null ? 'Any' : annotation(answer)}:`
  return {
    name,
    source: `${signature}\n    ${docstring(description, parameters)}`,
    renamed: Object.fromEntries(
      parameters.flatMap(({ name, property }) =>
        property === null || name === property ? [] : [[name, property]],
      ),
    ),
    nullable: parameters.filter(({ isNullable }) => isNullable).map(({ name }) => name),
  }
}

interface Parameter {
  /** As Python has it. */
  readonly name: string
  /** As the tool has it; null where it stands for all others. */
  readonly property: string | null
  /** With its type and default. */
  readonly text: string
  readonly description: string
  readonly isNullable: boolean
}

function parametersOf(schema: JsonSchema): Parameter[] {
  const properties = Object.entries(schemaAt(schema, 'properties'))
  const required = Array.isArray(schema['required']) ? (schema['required'] as unknown[]) : []
  const isRequired = (property: string) => required.includes(property)
  const inOrder = [
    ...properties.filter(([property]) => isRequired(property)),
    ...properties.filter(([property]) => !isRequired(property)),
  ]
  const taken = new Set<string>()
  const parameters = inOrder.map(([property, value]) => {
    const name = parameterName(property, taken)
    return parameter(name, property, isSchema(value) ? value : {}, isRequired(property))
  })
  const others = schema['additionalProperties'] ?? schema['properties'] === undefined
  if (others === false || properties.length > 0) return parameters
  const text = '**arguments: Any'
  return [{ name: 'arguments', property: null, text, description: '', isNullable: true }]
}

function parameter(
  name: string,
  property: string,
  schema: JsonSchema,
  isRequired: boolean,
): Parameter {
  const type = annotation(schema)
  const isNullable = type === 'Any' || type === 'None' || type.startsWith('Optional[')
  const { description } = schema
  const shared = {
    name,
    property,
    isNullable,
    description: typeof description === 'string' ? description : '',
  }
  if (isRequired) return { ...shared, text: `${name}: ${type}` }
  const value = schema['default']
  if (value !== undefined) return { ...shared, text: `${name}: ${type} = ${literal(value)}` }
  return { ...shared, text: `${name}: ${isNullable ? type : `Optional[${type}]`} = None` }
}

function parameterName(property: string, taken: Set<string>): string {
  let name = pythonName(property)
  while (taken.has(name)) name += '_'
  taken.add(name)
  return name
}

/** What comes closest to a text among the names that Python can give. */
function pythonName(text: string): string {
  const name = text.replace(/[^\p{XID_Continue}]/gu, '_').normalize('NFKC')
  const begun = /^[\p{XID_Start}_]/u.test(name) ? name : `_${name}`
  return NOT_ASSIGNABLE.has(begun) ? `${begun}_` : begun
}

/** The type of what a schema describes, as Python 3.9 writes it. */
function annotation(schema: JsonSchema, depth = 0): string {
  if (depth > MAX_DEPTH) return 'Any'
  const { type, items } = schema
  const choices = 'const' in schema ? [schema['const']] : schema['enum']
  if (Array.isArray(choices)) return oneOf(choices)
  const alternatives = schema['anyOf'] ?? schema['oneOf']
  if (Array.isArray(alternatives)) {
    return union(alternatives.map((one) => (isSchema(one) ? annotation(one, depth + 1) : 'Any')))
  }
  if (Array.isArray(type)) {
    return union(type.map((one) => annotation({ ...schema, type: one as unknown }, depth + 1)))
  }
  if (type === 'array') return `list[${isSchema(items) ? annotation(items, depth + 1) : 'Any'}]`
  if (type === 'object') {
    const values = schema['additionalProperties']
    return `dict[str, ${isSchema(values) ? annotation(values, depth + 1) : 'Any'}]`
  }
  return (typeof type === 'string' ? PLAIN_TYPES.get(type) : undefined) ?? 'Any'
}

const PLAIN_TYPES = new Map([
  ['string', 'str'],
  ['integer', 'int'],
  ['number', 'float'],
  ['boolean', 'bool'],
  ['null', 'None'],
])

function oneOf(choices: readonly unknown[]): string {
  const isPlain = (choice: unknown) =>
    choice === null || ['string', 'boolean'].includes(typeof choice) || Number.isInteger(choice)
  if (choices.length === 0 || choices.length > MOST_CHOICES || !choices.every(isPlain)) return 'Any'
  const values = choices.filter((choice) => choice !== null).map(literal)
  return union([
    ...(values.length === 0 ? [] : [`Literal[${values.join(', ')}]`]),
    ...(values.length === choices.length ? [] : ['None']),
  ])
}

function union(types: readonly string[]): string {
  const all = [...new Set(types)]
  if (all.includes('Any') || all.length === 0) return 'Any'
  const others = all.filter((type) => type !== 'None')
  const [first = 'None'] = others
  const joined = others.length < 2 ? first : `Union[${others.join(', ')}]`
  return others.length === all.length || joined === 'None' ? joined : `Optional[${joined}]`
}

/** A value of JSON as Python writes it. */
function literal(value: unknown): string {
  if (value == null) return 'None'
  if (value === true) return 'True'
  if (value === false) return 'False'
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (typeof value === 'object') {
    const entries = Object.entries(value).map(([key, item]) => `${quoted(key)}: ${literal(item)}`)
    return `{${entries.join(', ')}}`
  }
  if (typeof value === 'string') return quoted(value)
  // Others than finite numbers are none of JSON's: the signature shows that there is a default.
  return Number.isFinite(value) ? JSON.stringify(value) : '...'
}

/** JSON's escapes are among those of Python. */
function quoted(text: string): string {
  return JSON.stringify(text)
}

function docstring(description: string, parameters: readonly Parameter[]): string {
  const described = parameters.filter(({ description }) => description !== '')
  const list = described.map(({ name, description }) => `    ${name}: ${onOneLine(description)}`)
  const text = [description.trim(), ...(list.length === 0 ? [] : ['', 'Args:', ...list])].join('\n')
  // Control characters would be an error, or the end of the line; quotes the end of the text.
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replace(/[^\P{C}\n]/gu, (character) => unicodeEscape(character))
  return `"""${escaped.replaceAll('\n', '\n    ')}"""`
}

function unicodeEscape(character: string): string {
  return `\\U${(character.codePointAt(0) ?? 0).toString(16).padStart(8, '0')}`
}

function onOneLine(text: string): string {
  return text.trim().replace(/\s+/gu, ' ')
}

function schemaAt(schema: JsonSchema, key: string): JsonSchema {
  const value = schema[key]
  return isSchema(value) ? value : {}
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function requireName(name: string): void {
  const isName = /^[\p{XID_Start}_][\p{XID_Continue}]*$/u.test(name)
  // Python takes some characters for others.
  if (!isName || NOT_ASSIGNABLE.has(name) || name !== name.normalize('NFKC')) {
    throw new InvalidOptionError(
      `hostTools: ${JSON.stringify(name)} is not the name of a Python function. ` +
        `Name the tool ${JSON.stringify(pythonName(name))}, for instance.`,
    )
  }
  if (BUILTINS.has(name) || /^__.*__$/.test(name)) {
    throw new InvalidOptionError(
      `hostTools: ${name} is a function of Python itself, which code would miss. Name the tool otherwise.`,
    )
  }
}

// https://docs.python.org/3/reference/lexical_analysis.html#keywords
const KEYWORDS = new Set(
  (
    'False None True and as assert async await break class continue def del elif else except finally ' +
    'for from global if import in is lambda nonlocal not or pass raise return try while with yield'
  ).split(' '),
)

const NOT_ASSIGNABLE = new Set([...KEYWORDS, '__debug__'])

// https://docs.python.org/3/library/functions.html, and what is there in an interactive session
const BUILTINS = new Set(
  (
    '_ HostToolError abs aiter all anext any ascii bin bool breakpoint bytearray bytes callable chr classmethod compile ' +
    'complex copyright credits delattr dict dir display divmod enumerate eval exec exit filter float ' +
    'format frozenset getattr get_ipython globals hasattr hash help hex id input int isinstance ' +
    'issubclass iter len license list locals map max memoryview min next object oct open ord pow print ' +
    'property quit range repr reversed round set setattr slice sorted staticmethod str sum super tuple ' +
    'type vars zip'
  ).split(' '),
)
