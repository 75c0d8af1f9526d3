/** What a page follows: a task with its parts, the tasks of a name, or those of a namespace. */
export type Topic = { task: string } | { name: string } | { namespace: string };

export type LiveFeed = {
  /** Follows topics until its `end`. */
  follow(topics: readonly Topic[], tell: Tell): Following;
  close(): void;
};

/**
 * Hears that something of the topics has changed, or that changes may have been missed. Gives whether it wants to hear of
 * more. A page that is going to read again does not: it lets them rest, so that a hundred changes a second cost it
 * no more than one.
 */
export type Tell = () => boolean;

export type Following = {
  /** Follows again after a rest. Calls `ready` when no later change is missed, so that it can read. */
  again(ready: () => void): void;
  end(): void;
};

const RECONNECT_MS = 2_000;
const MAX_RECONNECT_MS = 30_000;
/** The bound of the API is 100 for one connection. */
export const MAX_TOPICS = 90;

type Follower = { topics: readonly string[]; tell: Tell; isResting: boolean };

/**
 * Follows changes over one WebSocket, which is open while somebody follows something. `open` gives a new one, or null
 * if none can be opened.
 */
export function createLiveFeed(open: () => WebSocket | null): LiveFeed {
  const followers = new Set<Follower>();
  let talk: Conversation | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let waitMs = RECONNECT_MS;

  function connect(): void {
    const socket = open();
    if (socket === null) return;
    const opened = converse(socket, followers);
    talk = opened;
    socket.onopen = () => {
      waitMs = RECONNECT_MS;
      for (const follower of followers) tellOne(follower);
      opened.agree();
    };
    socket.onmessage = ({ data }) => opened.hear(String(data));
    socket.onclose = () => {
      opened.end();
      if (talk !== opened) return;
      talk = null;
      if (followers.size === 0) return;
      timer = setTimeout(connect, waitMs * (0.5 + Math.random() / 2));
      waitMs = Math.min(MAX_RECONNECT_MS, waitMs * 2);
    };
  }

  function close(): void {
    clearTimeout(timer);
    const closed = talk;
    talk = null;
    closed?.close();
  }

  return {
    follow(topics, tell) {
      const texts = topics.map((topic) => JSON.stringify(topic));
      const follower: Follower = { topics: texts, tell, isResting: false };
      followers.add(follower);
      clearTimeout(timer);
      if (talk === null && topics.length > 0) connect();
      else talk?.agree();
      return {
        again(ready) {
          follower.isResting = false;
          if (talk === null) return ready();
          talk.agree();
          talk.whenAgreed(ready);
        },
        end() {
          followers.delete(follower);
          if (followers.size === 0) close();
          else talk?.agree();
        },
      };
    },
    close,
  };
}

function tellOne(follower: Follower): void {
  if (!follower.isResting) follower.isResting = !follower.tell();
}

/** What is said over one socket: its subscriptions are those that the followers ask for. */
type Conversation = {
  /** Makes them so. */
  agree(): void;
  /** Calls `then` when the API has answered all requests, or the socket has closed. */
  whenAgreed(then: () => void): void;
  hear(text: string): void;
  close(): void;
  end(): void;
};

function converse(socket: WebSocket, followers: ReadonlySet<Follower>): Conversation {
  let subscribed: ReadonlySet<string> = new Set();
  // The API answers one request after the other.
  let unanswered = 0;
  let waiting: (() => void)[] = [];
  const finish = (): void => {
    const finished = waiting;
    waiting = [];
    for (const then of finished) then();
  };
  function agree(): void {
    if (socket.readyState !== WebSocket.OPEN) return;
    const active = [...followers].filter(({ isResting }) => !isResting);
    const wanted = new Set(active.flatMap(({ topics }) => topics).slice(0, MAX_TOPICS));
    const ask = (type: string, topic: string): void => {
      unanswered++;
      socket.send(JSON.stringify({ type, ...(JSON.parse(topic) as Topic) }));
    };
    for (const topic of subscribed) if (!wanted.has(topic)) ask('unsubscribe', topic);
    for (const topic of wanted) if (!subscribed.has(topic)) ask('subscribe', topic);
    subscribed = wanted;
  }
  return {
    agree,
    whenAgreed(then) {
      if (unanswered === 0) then();
      else waiting.push(then);
    },
    hear(text) {
      const message = JSON.parse(text) as Record<string, unknown>;
      if (ANSWERS.has(message.type)) {
        unanswered = Math.max(0, unanswered - 1);
        if (unanswered === 0) finish();
      } else if (message.type === 'task' || message.type === 'missed') {
        tellOf(message, followers);
        agree();
      }
    },
    close: () => socket.close(),
    end() {
      unanswered = 0;
      finish();
    },
  };
}

const ANSWERS: ReadonlySet<unknown> = new Set(['subscribed', 'unsubscribed', 'error']);

/** Tells those who follow what a message is about, or all if messages were missed. */
function tellOf(message: Record<string, unknown>, followers: ReadonlySet<Follower>): void {
  const name = String(message.name);
  const namespace = name.slice(0, name.indexOf('.'));
  const topics = [{ task: message.id }, { task: message.parent_id }, { name }, { namespace }];
  const texts = new Set(topics.map((topic) => JSON.stringify(topic)));
  for (const follower of followers) {
    if (message.type === 'missed' || follower.topics.some((topic) => texts.has(topic))) tellOne(follower);
  }
}
