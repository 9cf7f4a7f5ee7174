import { API, pathOf, QUICK } from './call.js';
import { apiError } from './errors.js';
import type { RequestOptions } from './options.js';
import { ItemList } from './pager.js';
import type { Transport } from './transport.js';
import type { HistoryPage, HistoryQuery, Message, Session, SessionPage, SessionQuery } from './types.js';

/** How many messages {@link Sessions.history} asks for at a time. */
const HISTORY_PAGE = 200;

/** Conversations and what was said in them. Needs the permission `sessions`. */
export class Sessions {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Lists the sessions, newest activity first, over all pages.
   *
   * ```ts
   * for await (const session of client.sessions.list()) console.log(session.key, session.messageCount);
   * ```
   *
   * Operation: listSessions
   */
  list(query: SessionQuery = {}, options: RequestOptions = {}): ItemList<Session> {
    const listPage = (q: SessionQuery) => this.listPage(q, options);
    return new ItemList(async function* () {
      for (let cursor = query.cursor; ; ) {
        const page = await listPage({ ...query, cursor });
        yield* page.sessions;
        if (!page.nextCursor) return;
        if (page.nextCursor === cursor) {
          throw apiError({ status: 200, message: 'The gateway names as the next page of sessions the one just read.' });
        }
        cursor = page.nextCursor;
      }
    });
  }

  /**
   * Gets one page of the sessions, newest activity first.
   *
   * Operation: listSessions
   */
  async listPage(query: SessionQuery = {}, options: RequestOptions = {}): Promise<SessionPage> {
    const { channel, cursor, limit } = query;
    const page = await this.#transport.json<SessionPage>(
      {
        operation: 'listSessions',
        method: 'GET',
        path: `${API}/sessions`,
        query: { channel, cursor, limit },
        timeout: QUICK,
      },
      options,
    );
    return pageWith('sessions', page);
  }

  /**
   * Gets one session.
   *
   * Operation: getSession
   *
   * @throws NotFoundError where there is none of that key
   */
  async get(key: string, options: RequestOptions = {}): Promise<Session> {
    const path = pathOf('/sessions/', 'session key', key);
    return this.#transport.json({ operation: 'getSession', method: 'GET', path, timeout: QUICK }, options);
  }

  /**
   * Lists the messages of a session, oldest first. The gateway's pages begin at the newest, so all of them are read
   * before the first message is given; {@link Sessions.historyPage} is for sessions too long for that.
   *
   * ```ts
   * for await (const m of client.sessions.history(key)) console.log(m.role, m.content);
   * ```
   *
   * Operation: getHistory
   *
   * @throws NotFoundError where there is no session of that key
   */
  history(key: string, query: HistoryQuery = {}, options: RequestOptions = {}): ItemList<Message> {
    const historyPage = (q: HistoryQuery) => this.historyPage(key, q, options);
    return new ItemList(async function* () {
      const limit = query.limit ?? HISTORY_PAGE;
      const pages: Message[][] = [];
      for (let before = query.before; ; ) {
        const { messages } = await historyPage({ limit, before });
        pages.push(messages);
        const oldest = messages[0]?.id;
        // A page that is not full is the last. Without an id there is no going on.
        if (messages.length < limit || !oldest || oldest === before) break;
        before = oldest;
      }
      for (const page of pages.reverse()) yield* page;
    });
  }

  /**
   * Gets one page of a session's messages, oldest first. The page before it is had with the id of its first message as
   * `before`. A page with fewer messages than `limit` is the last.
   *
   * Operation: getHistory
   *
   * @throws NotFoundError where there is no session of that key
   */
  async historyPage(key: string, query: HistoryQuery = {}, options: RequestOptions = {}): Promise<HistoryPage> {
    const path = pathOf('/sessions/', 'session key', key, '/history');
    const { limit, before } = query;
    const page = await this.#transport.json<HistoryPage>(
      { operation: 'getHistory', method: 'GET', path, query: { limit, before }, timeout: QUICK },
      options,
    );
    return pageWith('messages', page);
  }

  /**
   * Erases a session and its history, and stops the answer that is being written in it.
   *
   * Operation: deleteSession
   *
   * @throws NotFoundError where there is none of that key
   */
  async delete(key: string, options: RequestOptions = {}): Promise<void> {
    const path = pathOf('/sessions/', 'session key', key);
    await this.#transport.json({ operation: 'deleteSession', method: 'DELETE', path, timeout: QUICK }, options);
  }
}

/** Refuses what has no list in it: another service may answer any path with some object. */
function pageWith<T>(list: keyof T, page: T): T {
  if (Array.isArray(page[list])) return page;
  throw apiError({ status: 200, message: `An answer without ${String(list)} is not from a gateway: check baseUrl.` });
}
