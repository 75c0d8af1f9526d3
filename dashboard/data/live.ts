import type { Credentials } from '../session/credentials.ts';
import { API_URL } from '../session/place.ts';

/** What a page follows: a task with its parts, the tasks of a name, or those of a namespace. */
export type Topic = { task: string } | { name: string } | { namespace: string };

export type LiveFeed = {
  /** Calls `tell` at each change of the topics, and when changes may have been missed. Gives the end of it. */
  follow(topics: readonly Topic[], tell: () => void): () => void;
  close(): void;
};

const RECONNECT_MS = 2_000;
const MAX_RECONNECT_MS = 30_000;
/** The bound of the API is 100 for one connection. */
export const MAX_TOPICS = 90;

type Follower = { topics: readonly string[]; tell: () => void };

/** Follows changes over one WebSocket, which is open while somebody follows something. */
export function createLiveFeed(credentials: Credentials): LiveFeed {
  const followers = new Set<Follower>();
  let socket: WebSocket | null = null;
  let subscribed: ReadonlySet<string> = new Set();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let waitMs = RECONNECT_MS;

  function connect(): void {
    const opened = openSocket(credentials);
    if (opened === null) return;
    socket = opened;
    opened.onopen = () => {
      waitMs = RECONNECT_MS;
      subscribed = new Set();
      agree();
      for (const { tell } of followers) tell();
    };
    opened.onmessage = ({ data }) => tellOf(String(data), followers);
    opened.onclose = () => {
      if (socket !== opened) return;
      socket = null;
      if (followers.size === 0) return;
      timer = setTimeout(connect, waitMs * (0.5 + Math.random() / 2));
      waitMs = Math.min(MAX_RECONNECT_MS, waitMs * 2);
    };
  }

  /** Makes the subscriptions those that the followers ask for. */
  function agree(): void {
    if (socket?.readyState === WebSocket.OPEN) subscribed = subscribe(socket, subscribed, followers);
  }

  function close(): void {
    clearTimeout(timer);
    const closed = socket;
    socket = null;
    closed?.close();
  }

  return {
    follow(topics, tell) {
      const follower = { topics: topics.map((topic) => JSON.stringify(topic)), tell };
      followers.add(follower);
      clearTimeout(timer);
      if (socket === null && topics.length > 0) connect();
      else agree();
      return () => {
        followers.delete(follower);
        if (followers.size === 0) close();
        else agree();
      };
    },
    close,
  };
}

/** Tells those who follow what a message is about, or all if messages were missed. */
function tellOf(text: string, followers: ReadonlySet<Follower>): void {
  const message = JSON.parse(text) as Record<string, unknown>;
  if (message.type !== 'task' && message.type !== 'missed') return;
  const name = String(message.name);
  const namespace = name.slice(0, name.indexOf('.'));
  const topics = [{ task: message.id }, { task: message.parent_id }, { name }, { namespace }];
  const texts = new Set(topics.map((topic) => JSON.stringify(topic)));
  for (const { topics: own, tell } of followers) {
    if (message.type === 'missed' || own.some((topic) => texts.has(topic))) tell();
  }
}

/** Changes the subscriptions of a socket to those of the followers, and gives them. */
function subscribe(
  socket: WebSocket,
  before: ReadonlySet<string>,
  followers: ReadonlySet<Follower>,
): ReadonlySet<string> {
  const wanted = new Set([...followers].flatMap(({ topics }) => topics).slice(0, MAX_TOPICS));
  const change = (type: string, topic: string): void =>
    socket.send(JSON.stringify({ type, ...(JSON.parse(topic) as Topic) }));
  for (const topic of before) if (!wanted.has(topic)) change('unsubscribe', topic);
  for (const topic of wanted) if (!before.has(topic)) change('subscribe', topic);
  return wanted;
}

/** Null if the credentials have characters that a subprotocol cannot have. Then pages read now and then. */
function openSocket(credentials: Credentials): WebSocket | null {
  const protocols = ['errand.v1', ...(credentials === null ? [] : [`errand.bearer.${credentials.secret}`])];
  try {
    return new WebSocket(`${API_URL.replace(/^http/, 'ws')}/ws`, protocols);
  } catch {
    return null;
  }
}
