// The connection before this one: the server is asked to close it, so that nothing that is still in the network is executed.
import { ignoreRejection, type RedisNode, send } from '../client/client.js'

/** One connection as its server knows it. */
interface Known {
  /** The server's number for it. */
  readonly clientId: number
  readonly process: string
}

/**
 * A write that was in flight when its link dropped may stay in a socket, a proxy or a lossy network for minutes, and be executed after
 * what the next link carried: an old value over a later deletion. Once the server has closed its end, TCP delivers none of it.
 * Where the client may not send CLIENT KILL this remains possible. Everything else works without it.
 */
export class PreviousConnection {
  /** `undefined` until the server has said its number. */
  #present: Known | undefined
  #previous: Known | undefined

  /** The link dropped. */
  dropped(): void {
    this.#previous = this.#present ?? this.#previous
    this.#present = undefined
  }

  /** Await it before a new link carries anything. `serverId` is the `Server.id` at its other end. Never rejects. */
  async end(node: RedisNode, serverId: string): Promise<void> {
    if (this.#present !== undefined) return
    const process = processOf(serverId)
    const previous = this.#previous
    this.#previous = undefined
    // Another process numbers its clients from the beginning: the number would be that of another client.
    if (previous?.process === process) {
      await send(node, 'client', ['KILL', 'ID', previous.clientId]).catch(() => undefined) // It may be forbidden.
    }
    const asking = send(node, 'client', ['ID']).then((id) => {
      this.#present = { clientId: Number(id), process }
    })
    ignoreRejection(asking)
  }
}

/** The run id of `Server.id`: it stays when a server is promoted. */
function processOf(serverId: string): string {
  return serverId.split('/')[0] as string
}
