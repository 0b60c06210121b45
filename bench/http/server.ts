// A server of the bench: one framework with one cache, in a process of its own.
import type { FrameworkName, ServerSettings, Told } from './messages.js'
import { Site } from './servers/site.js'

/** Imported when it is needed: a process holds one framework. */
const START: Readonly<Record<FrameworkName, (site: Site) => Promise<number>>> = {
  node: async (site) => (await import('./servers/node.js')).startNode(site),
  express: async (site) => (await import('./servers/express.js')).startExpress(site),
  fastify: async (site) => (await import('./servers/fastify.js')).startFastify(site),
  hono: async (site) => (await import('./servers/hono.js')).startHono(site),
  koa: async (site) => (await import('./servers/koa.js')).startKoa(site),
  nest: async (site) => (await import('./servers/nest.js')).startNest(site),
}

const settings = JSON.parse(process.argv[2] as string) as ServerSettings
const site = new Site(settings)
const port = await START[settings.framework](site)

process.on('message', () => {
  const { user, system } = process.cpuUsage()
  say({ runs: site.runs, cpuUs: user + system })
})
say({ port })

function say(told: Told): void {
  process.send?.(told)
}
