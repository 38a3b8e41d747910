import type { Configuration } from "../../../contract/configuration.ts";
import { type AccountProfile, accountProfile } from "./account.ts";
import { type ClientOptions, type Clients, openClients } from "./clients.ts";

type Options = ClientOptions & { configuration: () => Configuration };

/** Clients for account profiles, as the configuration has them now: one that is edited gets new ones. */
export function openAccounts({ configuration, ...options }: Options) {
  const opened = new Map<string, Clients>();
  return ({ accountProfile: name }: { accountProfile: string }): { account: AccountProfile; clients: Clients } => {
    const account = accountProfile(configuration(), name);
    const key = JSON.stringify(account);
    const clients = opened.get(key) ?? openClients(options, account);
    opened.set(key, clients);
    return { account, clients };
  };
}
