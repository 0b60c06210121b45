// The slow "database" of the demo: 40 ms a query, counted, and it can fail.

export interface Product {
  readonly id: number
  readonly name: string
  readonly priceCents: number
  readonly category: string
}

const QUERY_MS = 40

export class Database {
  queries = 0
  isDown = false
  readonly #products = new Map<number, Product>()

  constructor() {
    for (let id = 1; id <= 20; id++) {
      const category = id % 2 === 0 ? 'tea' : 'coffee'
      this.#products.set(id, { id, name: `${category} no. ${id}`, priceCents: 500 + id, category })
    }
  }

  async findProduct(id: number): Promise<Product> {
    await this.#query()
    const product = this.#products.get(id)
    if (product === undefined) throw new Error(`no product ${id}`)
    return product
  }

  async setPrice(id: number, priceCents: number): Promise<void> {
    await this.#query()
    const product = this.#products.get(id)
    if (product !== undefined) this.#products.set(id, { ...product, priceCents })
  }

  async #query(): Promise<void> {
    this.queries++
    await new Promise((resolve) => setTimeout(resolve, QUERY_MS))
    if (this.isDown) throw new Error('the database is down')
  }
}
