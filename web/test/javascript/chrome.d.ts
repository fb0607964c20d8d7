// The part of the extension API that web/extension uses, in Chromium and Firefox.

interface ExtensionEvent<Listener> {
  addListener(listener: Listener): void;
}

interface ExtensionStorageArea {
  get(key: string): Promise<{ [key: string]: any }>;
  set(items: { [key: string]: unknown }): Promise<void>;
  remove(key: string): Promise<void>;
  clear(): Promise<void>;
  onChanged: ExtensionEvent<(changes: { [key: string]: { oldValue?: any; newValue?: any } }) => void>;
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
  storage: { local: ExtensionStorageArea; session: ExtensionStorageArea };
  tabs: {
    create(properties: { url: string }): Promise<ExtensionTab>;
    get(id: number): Promise<ExtensionTab>;
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
