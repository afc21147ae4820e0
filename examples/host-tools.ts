/**
 * Python code that calls functions of TypeScript: one piece of code, such as a model would write, looks up
 * every product in every shop and orders what is short. Without host tools, each of these calls would be a
 * call of the model. Needs neither a model nor a key.
 */
import { hostTool, PythonInterpreterToolSet, type HostToolCall } from 'python-interpreter-toolset'
import { z } from 'zod'

/** Only this program knows the stock; elsewhere that is a database or a service. */
const stock: Record<string, Record<string, number>> = {
  Bergen: { lamp: 12, chair: 3, desk: 0 },
  Oslo: { lamp: 1, chair: 9, desk: 2 },
  Tromsø: { lamp: 0, chair: 0, desk: 7 },
}
const orders: string[] = []
let lookUps = 0

const hostTools = {
  stock_of: hostTool({
    description: 'How many pieces of a product a shop has.',
    inputSchema: z.object({ shop: z.string(), product: z.string() }),
    outputSchema: z.int(),
    execute: ({ shop, product }) => {
      lookUps += 1
      const count = stock[shop]?.[product]
      if (count === undefined) throw new Error(`${shop} has no product ${product}.`)
      return count
    },
  }),
  order: hostTool({
    description: 'Orders pieces of a product for a shop.',
    inputSchema: z.object({ shop: z.string(), product: z.string(), count: z.int().default(10) }),
    execute: ({ shop, product, count }) => void orders.push(`${count} x ${product} for ${shop}`),
  }),
}

/** Somebody could be asked here; the code waits for the answer. */
function approve({ name, input }: HostToolCall): true | string {
  const { count } = input as { count?: number }
  return name !== 'order' || (count ?? 0) <= 20 || 'Nobody may order more than 20 pieces.'
}

const CODE = `
import asyncio

shops, products = ['Bergen', 'Oslo', 'Tromsø'], ['lamp', 'chair', 'desk']
pairs = [(shop, product) for shop in shops for product in products]

# Nine look-ups, as many at once as the program allows.
counts = await asyncio.gather(*[stock_of.aio(shop, product) for shop, product in pairs])

for (shop, product), count in zip(pairs, counts):
    if count == 0:
        order(shop, product)

try:
    stock_of('Oslo', 'sofa')
except HostToolError as error:
    print(error)
try:
    order('Oslo', 'lamp', count=500)
except HostToolError as error:
    print(error)

print(sum(counts), 'pieces in', len(shops), 'shops')`

await using python = new PythonInterpreterToolSet({ hostTools, hostToolRules: { approve } })

const { stdout, error } = await python.runPythonCode(CODE)
process.stdout.write(stdout)
if (error !== undefined) console.log(error.traceback)
console.log(`${lookUps} look-ups and ${orders.length} orders in one run:`)
for (const one of orders) console.log(`  ${one}`)
