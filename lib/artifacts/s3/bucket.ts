import type { S3Client } from "@aws-sdk/client-s3";
import { addressOf, type Connection, isElsewhere } from "../../aws/connection.ts";
import { type BucketAction, explain, isMissing } from "./bucket-errors.ts";

type Sdk = typeof import("@aws-sdk/client-s3") & typeof import("@aws-sdk/s3-request-presigner") & { client: S3Client };

/** Base64, as S3 writes checksums. */
type Checksum = string;
type Kept = { checksum: Checksum; sizeBytes: number };
type Headers = { contentType: string; contentDisposition: string };
type Signed = { atMs: number; seconds: number };

/**
 * The few things that artifacts need of a bucket. The SDK is loaded by the first call; every failed request is explained.
 * A request has a second to connect and ten to be answered, and is sent at most four times: each has the same effect twice.
 */
export class Bucket {
  readonly name: string;
  readonly #connection: Connection;
  #sdk: Promise<Sdk> | undefined;
  #exists = false;

  constructor(name: string, connection: Connection) {
    this.name = name;
    this.#connection = connection;
  }

  async put(key: string, body: Uint8Array, { checksum, sizeBytes }: Kept, headers: Headers): Promise<void> {
    await this.#ask("s3:PutObject", ({ client, PutObjectCommand }) =>
      client.send(
        new PutObjectCommand({
          Bucket: this.name,
          Key: key,
          Body: body,
          ContentLength: sizeBytes,
          ChecksumSHA256: checksum,
          ContentType: headers.contentType,
          ContentDisposition: headers.contentDisposition,
        }),
      ),
    );
  }

  /** The whole object, or undefined when there is none. */
  async get(key: string): Promise<Uint8Array | undefined> {
    return this.#ask("s3:GetObject", async ({ client, GetObjectCommand }) => {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: this.name, Key: key }));
        return (await Body?.transformToByteArray()) ?? new Uint8Array();
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    });
  }

  /** What S3 knows of an object, or undefined when there is none. */
  async head(key: string): Promise<Partial<Kept> | undefined> {
    const found = await this.#ask("s3:GetObject", async ({ client, HeadObjectCommand }) => {
      try {
        return await client.send(new HeadObjectCommand({ Bucket: this.name, Key: key, ChecksumMode: "ENABLED" }));
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    });
    if (!found) {
      await this.#assertExists();
      return undefined;
    }
    return {
      ...(found.ChecksumSHA256 !== undefined && { checksum: found.ChecksumSHA256 }),
      ...(found.ContentLength !== undefined && { sizeBytes: found.ContentLength }),
    };
  }

  /** An address to PUT exactly this content to; the request must carry the headers that come with it, and their values. */
  async presignPut(key: string, { checksum, sizeBytes }: Kept, { atMs, seconds }: Signed) {
    const url = await this.#ask("s3:PutObject", ({ client, PutObjectCommand, getSignedUrl }) =>
      getSignedUrl(
        client,
        new PutObjectCommand({ Bucket: this.name, Key: key, ContentLength: sizeBytes, ChecksumSHA256: checksum }),
        {
          expiresIn: seconds,
          signingDate: new Date(atMs),
          // In the query it would be part of the address; as a header it is what S3 checks the body against.
          unhoistableHeaders: new Set(["x-amz-checksum-sha256"]),
        },
      ),
    );
    return { url, headers: { "content-length": String(sizeBytes), "x-amz-checksum-sha256": checksum } };
  }

  /** An address that anybody can read the object from. */
  async presignGet(key: string, headers: Partial<Headers>, { atMs, seconds }: Signed): Promise<string> {
    return this.#ask("s3:GetObject", ({ client, GetObjectCommand, getSignedUrl }) =>
      getSignedUrl(
        client,
        new GetObjectCommand({
          Bucket: this.name,
          Key: key,
          ...(headers.contentType !== undefined && { ResponseContentType: headers.contentType }),
          ...(headers.contentDisposition !== undefined && { ResponseContentDisposition: headers.contentDisposition }),
        }),
        { expiresIn: seconds, signingDate: new Date(atMs) },
      ),
    );
  }

  close(): void {
    this.#sdk?.then(
      ({ client }) => client.destroy(),
      () => {},
    );
  }

  /** A HEAD cannot say which is missing: without the bucket every object would be given up as never stored. */
  async #assertExists(): Promise<void> {
    if (this.#exists) return;
    await this.#ask("s3:ListBucket", async ({ client, HeadBucketCommand }) => {
      try {
        await client.send(new HeadBucketCommand({ Bucket: this.name }));
      } catch (error) {
        throw isMissing(error) ? Object.assign(new Error("no such bucket"), { name: "NoSuchBucket" }) : error;
      }
    });
    this.#exists = true;
  }

  async #ask<T>(action: BucketAction, work: (sdk: Sdk) => Promise<T>): Promise<T> {
    this.#sdk ??= openSdk(this.#connection);
    try {
      return await work(await this.#sdk);
    } catch (error) {
      throw explain(error, this.name, action);
    }
  }
}

async function openSdk(connection: Connection): Promise<Sdk> {
  const [s3, presigner] = await Promise.all([import("@aws-sdk/client-s3"), import("@aws-sdk/s3-request-presigner")]);
  const client = new s3.S3Client({
    ...addressOf(connection),
    forcePathStyle: isElsewhere(connection.endpoint),
    maxAttempts: 4,
    retryMode: "standard",
    // The checksums are our own, and so is the check.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: {
      connectionTimeout: 3000,
      requestTimeout: 10_000,
      socketTimeout: 10_000,
      throwOnRequestTimeout: true,
    },
  });
  return { ...s3, ...presigner, client };
}
