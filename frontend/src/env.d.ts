/// <reference types="vite/client" />

// Vue's types do not know popovers yet.
declare module "vue" {
  interface HTMLAttributes {
    popover?: boolean | "auto" | "manual";
  }
  interface ButtonHTMLAttributes {
    popovertarget?: string;
  }
}

export {};
