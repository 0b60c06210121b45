// The connection before this one: the server is told to close it, so that nothing that still lies in the network is executed.
import { ignoreRejection, type RedisNode, send } from '../client/client.js'

/**
 * A write that was under way when its link dropped may lie in a socket, a proxy or a lossy network for minutes, and be executed after
 * whatever the next link carried: an old value over a later deletion. Once the server has closed its end, TCP delivers none of it.
 * Where the client may not say CLIENT KILL that remains possible; everything else works without it.
 */
export class PreviousConnection {
  /** The server's number for the present link; `undefined` until it is known. */
  #clientId: number | undefined
  #left: { readonly clientId: number; readonly process: string } | undefined

  /** The link dropped; `serverId` is who was at its other end. */
  dropped(serverId: string | undefined): void {
    if (this.#clientId !== undefined && serverId !== undefined) {
      this.#left = { clientId: this.#clientId, process: processOf(serverId) }
    }
    this.#clientId = undefined
  }

  /** To be awaited before a new link carries anything. Never rejects. */
  async end(node: RedisNode, serverId: string): Promise<void> {
    if (this.#clientId !== undefined) return
    const left = this.#left
    this.#left = undefined
    // Another process counts its clients anew: the number would be somebody else's.
    if (left !== undefined && left.process === processOf(serverId)) {
      await send(node, 'client', ['KILL', 'ID', left.clientId]).catch(() => undefined) // It may be forbidden.
    }
    const asking = send(node, 'client', ['ID']).then((id) => {
      this.#clientId = Number(id)
    })
    ignoreRejection(asking)
  }
}

/** The run id of `Server.id`: it stays when a server is promoted. */
function processOf(serverId: string): string {
  return serverId.split('/')[0] as string
}
