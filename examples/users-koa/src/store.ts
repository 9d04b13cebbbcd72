// DynamoDB, through a client that seals. What is encrypted stands in examples/dynaseal.toml and nowhere here.

import { ConditionalCheckFailedException, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DeleteCommand, DynamoDBDocumentClient, GetCommand, PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { seal } from "dynaseal";
import { Answer } from "./answers.js";

/** As stored, but for the encryption. */
export interface User {
  readonly username: string;
  readonly account: string;
  readonly email: string;
  readonly passwordHash: string;
}

export interface Session {
  readonly tokenHash: string;
  readonly username: string;
  readonly account: string;
  /** Seconds since 1970, as DynamoDB's time to live counts. */
  readonly expiresAt: number;
}

export class Store {
  readonly #db: DynamoDBDocumentClient;

  constructor(config: string) {
    // Without throwOnRequestTimeout the SDK only warns of a request that takes too long, and goes on waiting.
    const time = { connectionTimeout: 1000, requestTimeout: 3000, throwOnRequestTimeout: true };
    const client = new DynamoDBClient({ requestHandler: time });
    this.#db = DynamoDBDocumentClient.from(seal(client, config));
  }

  async addUser(user: User): Promise<void> {
    const put = new PutCommand({ TableName: "Users", Item: user, ConditionExpression: "attribute_not_exists(username)" });
    await this.#db.send(put).catch(unmet("User exists"));
  }

  async user(username: string): Promise<User | undefined> {
    const get = new GetCommand({ TableName: "Users", Key: { username }, ConsistentRead: true });
    return (await this.#db.send(get)).Item as User | undefined;
  }

  /** Sets an encrypted attribute, if another one is what it was when the caller logged in. */
  async setEmail(username: string, account: string, email: string): Promise<void> {
    const update = new UpdateCommand({
      TableName: "Users",
      Key: { username },
      UpdateExpression: "SET email = :email",
      ConditionExpression: "account = :account",
      ExpressionAttributeValues: { ":email": email, ":account": account },
    });
    await this.#db.send(update).catch(unmet("User does not exist"));
  }

  async removeUser(username: string, account: string): Promise<void> {
    const remove = new DeleteCommand({
      TableName: "Users",
      Key: { username },
      ConditionExpression: "account = :account",
      ExpressionAttributeValues: { ":account": account },
    });
    await this.#db.send(remove).catch(unmet("User does not exist"));
  }

  async addSession(session: Session): Promise<void> {
    await this.#db.send(new PutCommand({ TableName: "Sessions", Item: session }));
  }

  /** A session that has not run out. */
  async session(tokenHash: string): Promise<Session | undefined> {
    const get = new GetCommand({ TableName: "Sessions", Key: { tokenHash }, ConsistentRead: true });
    const session = (await this.#db.send(get)).Item as Session | undefined;
    // DynamoDB removes what has run out within days, not at once.
    return session && session.expiresAt > now() ? session : undefined;
  }

  async removeSession(tokenHash: string): Promise<void> {
    await this.#db.send(new DeleteCommand({ TableName: "Sessions", Key: { tokenHash } }));
  }
}

/** Seconds since 1970. */
export const now = (): number => Math.floor(Date.now() / 1000);

/** Words of its own for a condition that did not hold. */
function unmet(words: string) {
  return (error: unknown): never => {
    throw error instanceof ConditionalCheckFailedException ? new Answer(409, words) : error;
  };
}
