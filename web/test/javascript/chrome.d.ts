// The part of the extension API that web/extension uses, in Chromium and Firefox.

interface ExtensionEvent<Listener> {
  addListener(listener: Listener): void;
}

interface ExtensionStorageArea {
  get(keys: string | string[]): Promise<{ [key: string]: any }>;
  set(items: { [key: string]: unknown }): Promise<void>;
  remove(keys: string | string[]): Promise<void>;
  clear(): Promise<void>;
}

interface ExtensionTab {
  id: number;
  windowId: number;
}

declare const chrome: {
  runtime: {
    getURL(path: string): string;
    sendMessage(message: unknown): Promise<any>;
    onMessage: ExtensionEvent<
      (message: any, sender: { url?: string; tab?: ExtensionTab }, reply: (value?: unknown) => void) => boolean | void
    >;
    onStartup: ExtensionEvent<() => void>;
  };
  storage: {
    local: ExtensionStorageArea;
    session: ExtensionStorageArea;
    onChanged: ExtensionEvent<(changes: { [key: string]: unknown }) => void>;
  };
  alarms: {
    create(name: string, info: { periodInMinutes: number }): Promise<void>;
    clear(name: string): Promise<boolean>;
    onAlarm: ExtensionEvent<(alarm: { name: string }) => void>;
  };
  scripting: {
    executeScript<Result>(injection: { target: { tabId: number }; func: () => Result }): Promise<{ result: Result }[]>;
  };
  tabs: {
    create(properties: { url: string }): Promise<ExtensionTab>;
    get(id: number): Promise<ExtensionTab>;
    query(wanted: { active: boolean; currentWindow: boolean }): Promise<ExtensionTab[]>;
    getCurrent(): Promise<ExtensionTab>;
    update(id: number, properties: { active: boolean }): Promise<ExtensionTab>;
    remove(id: number): Promise<void>;
    onRemoved: ExtensionEvent<() => void>;
  };
  windows: { update(id: number, properties: { focused: boolean }): Promise<unknown> };
  permissions: {
    contains(permissions: { origins: string[] }): Promise<boolean>;
    request(permissions: { origins: string[] }): Promise<boolean>;
  };
};
